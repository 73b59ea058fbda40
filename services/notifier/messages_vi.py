"""The Vietnamese of notifier's pages, by their English sentences."""

MESSAGES = {
    "Registration with %(partner)s": "Đăng ký với %(partner)s",
    "Your answer did not take effect: you confirmed on %(when)s.": (
        "Câu trả lời của bạn không có hiệu lực: bạn đã xác nhận vào %(when)s."
    ),
    "Your answer did not take effect: you declined on %(when)s.": (
        "Câu trả lời của bạn không có hiệu lực: bạn đã từ chối vào %(when)s."
    ),
    "Your answer did not take effect: the time to answer ended on %(when)s.": (
        "Câu trả lời của bạn không có hiệu lực: thời hạn trả lời đã hết vào %(when)s."
    ),
    "Your answer did not take effect: %(partner)s withdrew the request on %(when)s.": (
        "Câu trả lời của bạn không có hiệu lực: %(partner)s đã rút lại đề nghị vào %(when)s."
    ),
    "Your answer did not take effect: VNG Cloud approved the registration on %(when)s.": (
        "Câu trả lời của bạn không có hiệu lực: VNG Cloud đã phê duyệt đăng ký vào %(when)s."
    ),
    "Your answer did not take effect: VNG Cloud rejected the registration on %(when)s.": (
        "Câu trả lời của bạn không có hiệu lực: VNG Cloud đã từ chối đăng ký vào %(when)s."
    ),
    "Your answer did not take effect: VNG Cloud ended the registration on %(when)s.": (
        "Câu trả lời của bạn không có hiệu lực: VNG Cloud đã kết thúc đăng ký vào %(when)s."
    ),
    "%(partner)s asks to manage your VNG Cloud account": "%(partner)s đề nghị quản lý tài khoản VNG Cloud của bạn",
    "%(partner)s has asked to register your account <strong>%(account)s</strong> as one of its customers. "
    "It is your decision.": (
        "%(partner)s đã đề nghị đăng ký tài khoản <strong>%(account)s</strong> của bạn làm khách hàng của họ. "
        "Quyết định là của bạn."
    ),
    "If you confirm": "Nếu bạn xác nhận",
    "%(partner)s sets your prices.": "%(partner)s quy định giá dịch vụ cho bạn.",
    "Credits for this account come through %(partner)s.": "Credit của tài khoản này được cấp qua %(partner)s.",
    "VNG Cloud may have to approve; you get an email when it is done.": (
        "Đăng ký có thể cần VNG Cloud phê duyệt; bạn sẽ nhận được email khi hoàn tất."
    ),
    "What does not change": "Những gì không thay đổi",
    "Your account, your services and your data stay yours.": ("Tài khoản, dịch vụ và dữ liệu vẫn là của bạn."),
    "%(partner)s does not get your password or access to your data.": (
        "%(partner)s không nhận được mật khẩu hay quyền truy cập dữ liệu của bạn."
    ),
    "Confirm": "Xác nhận",
    "Decline": "Từ chối",
    "Reason for declining (optional; the partner reads it)": ("Lý do từ chối (không bắt buộc; đối tác sẽ đọc được)"),
    "You have not declined yet. The reason is too long: please use 1000 characters or fewer.": (
        "Bạn chưa từ chối. Lý do quá dài: vui lòng dùng tối đa 1000 ký tự."
    ),
    "You have not declined yet. Please write the reason in ordinary characters.": (
        "Bạn chưa từ chối. Vui lòng viết lý do bằng các ký tự thông thường."
    ),
    "This page is valid until %(until)s.": "Trang này có hiệu lực đến %(until)s.",
    "Thank you, you have confirmed": "Cảm ơn, bạn đã xác nhận",
    "Your account <strong>%(account)s</strong> is to be registered with %(partner)s. VNG Cloud checks the registration "
    "now and you get an email with the result. There is nothing more for you to do.": (
        "Tài khoản <strong>%(account)s</strong> của bạn sẽ được đăng ký với %(partner)s. VNG Cloud đang kiểm tra "
        "đăng ký và bạn sẽ nhận được email báo kết quả. Bạn không cần làm gì thêm."
    ),
    "You have declined": "Bạn đã từ chối",
    "Your account <strong>%(account)s</strong> is not registered with %(partner)s, and nothing changes for you. "
    "If this was a mistake, ask %(partner)s to register you again later.": (
        "Tài khoản <strong>%(account)s</strong> của bạn không được đăng ký với %(partner)s và không có gì thay đổi. "
        "Nếu đây là nhầm lẫn, hãy đề nghị %(partner)s đăng ký lại cho bạn sau."
    ),
    "The registration is approved": "Đăng ký đã được xác nhận",
    "%(partner)s now sets the prices of your account <strong>%(account)s</strong>, and credits come through "
    "%(partner)s. For questions, please ask %(partner)s.": (
        "Từ nay %(partner)s quy định giá dịch vụ cho tài khoản <strong>%(account)s</strong> của bạn và credit "
        "được cấp qua %(partner)s. Mọi câu hỏi, vui lòng liên hệ %(partner)s."
    ),
    "The registration was not approved": "Đăng ký không được phê duyệt",
    "VNG Cloud did not approve the registration of your account <strong>%(account)s</strong> with %(partner)s. "
    "Nothing changes for you. For questions, please ask %(partner)s or VNG Cloud's support.": (
        "VNG Cloud không phê duyệt việc đăng ký tài khoản <strong>%(account)s</strong> của bạn với %(partner)s. "
        "Không có gì thay đổi. Mọi câu hỏi, vui lòng liên hệ %(partner)s hoặc bộ phận hỗ trợ của VNG Cloud."
    ),
    "This link has expired": "Liên kết này đã hết hạn",
    "The time to answer ended on %(when)s.": "Thời hạn trả lời đã hết vào %(when)s.",
    "Nothing has changed for your account <strong>%(account)s</strong>. If you want it to be registered, ask "
    "%(partner)s to register it again.": (
        "Tài khoản <strong>%(account)s</strong> của bạn không có gì thay đổi. Nếu bạn vẫn muốn được đăng ký, "
        "hãy đề nghị %(partner)s đăng ký lại."
    ),
    "%(partner)s has withdrawn its request": "%(partner)s đã rút lại đề nghị",
    "%(partner)s withdrew it on %(when)s.": "%(partner)s đã rút lại vào %(when)s.",
    "Nothing has changed for your account <strong>%(account)s</strong>, and there is nothing for you to do. If this "
    "surprises you, ask %(partner)s; it can register your account again.": (
        "Tài khoản <strong>%(account)s</strong> của bạn không có gì thay đổi và bạn không cần làm gì. Nếu bạn không rõ "
        "vì sao, vui lòng liên hệ %(partner)s; họ có thể đăng ký lại tài khoản của bạn."
    ),
    "You confirmed on %(when)s.": "Bạn đã xác nhận vào %(when)s.",
    "You declined on %(when)s.": "Bạn đã từ chối vào %(when)s.",
    "VNG Cloud approved it on %(when)s.": "VNG Cloud đã phê duyệt vào %(when)s.",
    "VNG Cloud decided this on %(when)s.": "VNG Cloud đã quyết định vào %(when)s.",
    "VNG Cloud ended it on %(when)s.": "VNG Cloud đã kết thúc vào %(when)s.",
    "This request is no longer open": "Đề nghị này đã kết thúc",
    "The registration of your account <strong>%(account)s</strong> with %(partner)s was ended, and nothing has changed "
    "for you. For questions, please ask %(partner)s.": (
        "Việc đăng ký tài khoản <strong>%(account)s</strong> của bạn với %(partner)s đã kết thúc và không có gì "
        "thay đổi. Mọi câu hỏi, vui lòng liên hệ %(partner)s."
    ),
}
