"""What this program is made of besides itself, and under what terms: for audits, licences and the bill of materials."""
