"""Sending: `render` writes a message, `smtp` hands it to the server, `sender` claims, sends and marks."""
