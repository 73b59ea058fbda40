"""The Vietnamese of approver's pages, by their English sentences."""

MESSAGES = {
    "Cases": "Hồ sơ",
    "Open cases": "Hồ sơ đang mở",
    "There is nothing to decide. New cases appear here when customers have confirmed.": (
        "Không có hồ sơ nào cần quyết định. Hồ sơ mới sẽ xuất hiện ở đây khi khách hàng đã xác nhận."
    ),
    "The %(most)s cases that are due first are shown.": "Đang hiển thị %(most)s hồ sơ đến hạn sớm nhất.",
    "Customer's account": "Tài khoản khách hàng",
    "Partner": "Đối tác",
    "Waiting since": "Chờ từ",
    "Due": "Hạn xử lý",
    "Overdue": "Quá hạn",
    "Claimed by": "Người nhận xử lý",
    "Account changed": "Tài khoản đã thay đổi",
    # Conditions and facts
    "There is no such account.": "Không có tài khoản này.",
    "The account has a credit balance.": "Tài khoản còn số dư credit.",
    "The account is using services.": "Tài khoản đang sử dụng dịch vụ.",
    "The account is offered discounts.": "Tài khoản đang được hưởng chiết khấu.",
    "The account is in a POC.": "Tài khoản đang trong chương trình POC.",
    "The account is not prepaid.": "Tài khoản không phải là tài khoản trả trước.",
    "The account is a customer of VNG Cloud's own.": "Tài khoản hiện là khách hàng trực tiếp của VNG Cloud.",
    "Registered account": "Tài khoản đã đăng ký",
    "Billing": "Hình thức thanh toán",
    "Credit balance": "Số dư credit",
    "Services in use": "Dịch vụ đang sử dụng",
    "Discounts": "Chiết khấu",
    "POC": "POC",
    "VNG Cloud's own customer": "Khách hàng trực tiếp của VNG Cloud",
    "prepaid": "trả trước",
    "postpaid": "trả sau",
    "yes": "có",
    "no": "không",
    # How a case stands
    "Open": "Đang mở",
    "Approved": "Đã phê duyệt",
    "Rejected": "Đã từ chối",
    "Over before a decision": "Kết thúc trước khi có quyết định",
    "the rule for current customers": "quy tắc dành cho khách hàng hiện hữu",
    "the registration system": "hệ thống đăng ký",
    "the review system": "hệ thống xét duyệt",
    "Case of %(account)s": "Hồ sơ của %(account)s",
    "decided by %(who)s, %(when)s": "người quyết định: %(who)s, %(when)s",
    "decided, not yet final: by %(who)s, %(when)s": (
        "đã quyết định, chưa có hiệu lực cuối cùng; người quyết định: %(who)s, %(when)s"
    ),
    "Final since %(when)s.": "Có hiệu lực cuối cùng từ %(when)s.",
    "Withdrawn by the partner, %(when)s.": "Đối tác đã rút lại đăng ký, %(when)s.",
    "Declined by the customer, %(when)s.": "Khách hàng đã từ chối, %(when)s.",
    "Expired, %(when)s: the customer had not confirmed in time.": (
        "Hết hạn, %(when)s: khách hàng không xác nhận đúng hạn."
    ),
    "Refused when the partner requested it, %(when)s.": "Không được chấp nhận ngay khi đối tác gửi yêu cầu, %(when)s.",
    "Rejected, %(when)s.": "Đã bị từ chối, %(when)s.",
    "Approved, %(when)s.": "Đã được phê duyệt, %(when)s.",
    "Withdrawn by the partner before your decision took effect, %(when)s.": (
        "Đối tác đã rút lại đăng ký trước khi quyết định của bạn có hiệu lực, %(when)s."
    ),
    "Declined by the customer before your decision took effect, %(when)s.": (
        "Khách hàng đã từ chối trước khi quyết định của bạn có hiệu lực, %(when)s."
    ),
    "Expired before your decision took effect, %(when)s.": (
        "Đăng ký đã hết hạn trước khi quyết định của bạn có hiệu lực, %(when)s."
    ),
    "Refused before your decision took effect, %(when)s.": (
        "Đăng ký đã không được chấp nhận trước khi quyết định của bạn có hiệu lực, %(when)s."
    ),
    "Rejected before your decision took effect, %(when)s.": (
        "Đăng ký đã bị từ chối trước khi quyết định của bạn có hiệu lực, %(when)s."
    ),
    "Approved before your decision took effect, %(when)s.": (
        "Đăng ký đã được phê duyệt trước khi quyết định của bạn có hiệu lực, %(when)s."
    ),
    # Refusals
    "This case was approved by %(who)s, %(when)s.": "Hồ sơ này đã được phê duyệt bởi %(who)s, %(when)s.",
    "This case was rejected by %(who)s, %(when)s.": "Hồ sơ này đã bị từ chối bởi %(who)s, %(when)s.",
    "This case is claimed by %(who)s until %(when)s.": "%(who)s đang nhận xử lý hồ sơ này đến %(when)s.",
    "This case is claimed by %(who)s until %(when)s. Only %(who)s or an administrator can release it.": (
        "%(who)s đang nhận xử lý hồ sơ này đến %(when)s. Chỉ %(who)s hoặc quản trị viên mới có thể trả lại hồ sơ."
    ),
    "The account does not meet every condition. Give a reason to approve it nevertheless, or reject it.": (
        "Tài khoản không đáp ứng đủ điều kiện. Vui lòng nêu lý do nếu vẫn phê duyệt, hoặc từ chối."
    ),
    "The account changed while this page was open, so it was not approved. Not met now:": (
        "Tài khoản đã thay đổi trong lúc trang này đang mở nên chưa được phê duyệt. Điều kiện hiện không đáp ứng:"
    ),
    "The newest facts about accounts are still being read, so nothing was changed. Please send it again in a moment.": (
        "Hệ thống đang cập nhật thông tin tài khoản mới nhất nên chưa có gì thay đổi. Vui lòng gửi lại sau giây lát."
    ),
    "Your answer did not take effect.": "Thao tác của bạn không có hiệu lực.",
    "Please give a reason: the partner reads it.": "Vui lòng nêu lý do: đối tác sẽ đọc lý do này.",
    "Please use 1000 characters or fewer.": "Vui lòng dùng tối đa 1000 ký tự.",
    "Please use plain text.": "Vui lòng viết bằng các ký tự thông thường.",
    "Please give a reason to approve it nevertheless.": "Vui lòng nêu lý do nếu vẫn phê duyệt.",
    # One case
    "The request": "Yêu cầu",
    "Common name": "Tên thường gọi",
    "%(who)s, until %(until)s": "%(who)s, đến %(until)s",
    "The account has changed since this case was opened.": "Tài khoản đã thay đổi kể từ khi hồ sơ này được mở.",
    "What": "Thông tin",
    "Then": "Lúc mở hồ sơ",
    "Now": "Hiện tại",
    "The account now": "Tài khoản hiện tại",
    "Every condition holds.": "Tài khoản đáp ứng mọi điều kiện.",
    "Account": "Tài khoản",
    "Holder": "Chủ tài khoản",
    "Your decision": "Quyết định của bạn",
    "Nothing was decided: something below needs another look.": (
        "Chưa có quyết định nào được ghi nhận: có chỗ bên dưới cần xem lại."
    ),
    "Claim the case to keep it to yourself while you look into it. You can also decide without a claim.": (
        "Nhận xử lý để giữ hồ sơ cho riêng bạn trong lúc xem xét. Bạn cũng có thể quyết định mà không cần nhận."
    ),
    "You hold this case until %(until)s.": "Bạn đang nhận xử lý hồ sơ này đến %(until)s.",
    ("%(who)s holds this case until %(until)s. As an administrator you can decide it, take it over or release it."): (
        "%(who)s đang nhận xử lý hồ sơ này đến %(until)s. "
        "Là quản trị viên, bạn có thể quyết định, tiếp quản hoặc trả lại hồ sơ."
    ),
    "This case is claimed by %(who)s until %(when)s. Until then only %(who)s or an administrator can decide it.": (
        "%(who)s đang nhận xử lý hồ sơ này đến %(when)s. "
        "Trước thời điểm đó, chỉ %(who)s hoặc quản trị viên mới có thể quyết định."
    ),
    "Claim": "Nhận xử lý",
    "Take over the claim": "Tiếp quản hồ sơ",
    "Release the claim": "Trả lại hồ sơ",
    "Note (optional, for VNG's staff)": "Ghi chú (không bắt buộc, dành cho nhân viên VNG)",
    "Reason to approve although conditions are not met": "Lý do phê duyệt dù chưa đáp ứng điều kiện",
    "Approve": "Phê duyệt",
    "Reason for rejecting (the partner reads it)": "Lý do từ chối (đối tác sẽ đọc)",
    "Reject": "Từ chối",
    "Back to the open cases": "Quay lại các hồ sơ đang mở",
    # History
    "History": "Lịch sử",
    "The customer confirmed": "Khách hàng đã xác nhận",
    "The account changed": "Tài khoản thay đổi",
    "The claim lapsed": "Hết thời gian nhận xử lý",
    "The case was claimed": "Hồ sơ được nhận xử lý",
    "The claim was taken over": "Hồ sơ được tiếp quản",
    "The claim was released": "Hồ sơ được trả lại",
    "claimed before by %(who)s": "trước đó do %(who)s nhận xử lý",
    "VNG Cloud approved": "VNG Cloud phê duyệt",
    "VNG Cloud rejected": "VNG Cloud từ chối",
    "The review became due": "Đến hạn xét duyệt",
    "The registration became final: approved": "Đăng ký có kết quả cuối cùng: đã phê duyệt",
    "The registration was closed": "Đăng ký đã kết thúc",
    "changed nothing": "không thay đổi gì",
    "refused at the request": "không được chấp nhận khi yêu cầu",
    "declined by the customer": "khách hàng từ chối",
    "not confirmed in time": "không xác nhận đúng hạn",
    "withdrawn by the partner": "đối tác rút lại đăng ký",
    "rejected": "bị từ chối",
}
