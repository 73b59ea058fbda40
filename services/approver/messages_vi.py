"""The Vietnamese of approver's pages, by their English sentences."""

MESSAGES = {
    "Cases": "Hồ sơ",
    "Open cases": "Hồ sơ đang mở",
    "There is nothing to decide. New cases appear here when customers have confirmed.": (
        "Không có hồ sơ nào cần quyết định. Hồ sơ mới xuất hiện ở đây khi khách hàng đã xác nhận."
    ),
    "The %(most)s oldest are shown.": "Đang hiển thị %(most)s hồ sơ cũ nhất.",
    "Customer's account": "Tài khoản khách hàng",
    "Partner": "Đối tác",
    "Waiting since": "Chờ từ",
    "Claimed by": "Người nhận xử lý",
    "There is no such account.": "Không có tài khoản này.",
    "The account has a credit balance.": "Tài khoản còn số dư credit.",
    "The account is using services.": "Tài khoản đang dùng dịch vụ.",
    "The account is offered discounts.": "Tài khoản đang được ưu đãi giảm giá.",
    "The account is in a POC.": "Tài khoản đang trong POC.",
    "The account is not prepaid.": "Tài khoản không phải trả trước.",
    "Please give a reason: the partner reads it.": "Xin nêu lý do: đối tác sẽ đọc.",
    "Please use 1000 characters or fewer.": "Xin dùng tối đa 1000 ký tự.",
    "Please use plain text.": "Xin chỉ dùng chữ thường.",
    "Open": "Đang mở",
    "Approved": "Đã xác nhận",
    "Rejected": "Đã từ chối",
    "Over before a decision": "Kết thúc trước khi quyết định",
    "Case of %(account)s": "Hồ sơ của %(account)s",
    "decided by %(who)s, %(when)s": "quyết định bởi %(who)s, %(when)s",
    "not yet final": "chưa có hiệu lực cuối cùng",
    "This case was decided before, by %(who)s, %(when)s. Your answer did not take effect.": (
        "Hồ sơ này đã được %(who)s quyết định lúc %(when)s. Câu trả lời của bạn không có hiệu lực."
    ),
    "This case is claimed by %(who)s until %(when)s. Your answer did not take effect.": (
        "%(who)s đang nhận xử lý hồ sơ này đến %(when)s. Câu trả lời của bạn không có hiệu lực."
    ),
    "The account does not meet every condition. Give a reason to approve it nevertheless, or reject it.": (
        "Tài khoản không đạt mọi điều kiện. Hãy nêu lý do nếu vẫn phê duyệt, hoặc từ chối."
    ),
    "The request": "Yêu cầu",
    "Common name": "Tên thường gọi",
    "%(who)s, until %(until)s": "%(who)s, đến %(until)s",
    "The account now": "Tài khoản hiện tại",
    "Every condition holds.": "Mọi điều kiện đều đạt.",
    "Account": "Tài khoản",
    "Holder": "Chủ tài khoản",
    "Credit balance": "Số dư credit",
    "Services in use": "Dịch vụ đang dùng",
    "Discounts": "Ưu đãi",
    "POC": "POC",
    "yes": "có",
    "no": "không",
    "Billing": "Thanh toán",
    "prepaid": "trả trước",
    "postpaid": "trả sau",
    "VNG Cloud's own customer": "Khách hàng của chính VNG Cloud",
    "Your decision": "Quyết định của bạn",
    "Claim": "Nhận xử lý",
    "Note (optional, for VNG's staff)": "Ghi chú (không bắt buộc, cho nhân viên VNG)",
    "Reason to approve although conditions are not met": "Lý do phê duyệt dù chưa đạt điều kiện",
    "Approve": "Phê duyệt",
    "Reason for rejecting (the partner reads it)": "Lý do từ chối (đối tác sẽ đọc)",
    "Reject": "Từ chối",
    "History": "Lịch sử",
}
