"""The Vietnamese of the portal's pages, by the English sentence."""

MESSAGES = {
    "Account": "Tài khoản",
    "Add a customer account": "Thêm tài khoản khách hàng",
    "Your customers": "Khách hàng của bạn",
    "Email address": "Địa chỉ email",
    "Common name": "Tên thường gọi",
    "Role": "Vai trò",
    "Your role": "Vai trò của bạn",
    "Partner": "Đối tác",
    "Status": "Trạng thái",
    "Registered on": "Ngày đăng ký",
    "Registered by": "Người đăng ký",
    "Last change": "Thay đổi gần nhất",
    "Details follow": "Đang cập nhật thông tin",
    "The newest %(n)s are shown.": "Chỉ hiển thị %(n)s đăng ký mới nhất.",
    "You have not registered any customers yet.": "Bạn chưa đăng ký khách hàng nào.",
    "%(n)s customer was added. A request to confirm goes to the customer's email address.": (
        "Đã thêm %(n)s khách hàng. Yêu cầu xác nhận sẽ được gửi đến email của khách hàng."
    ),
    # Statuses
    "Registered": "Đã đăng ký",
    "Waiting for the customer's confirmation": "Chờ khách hàng xác nhận",
    "Waiting for VNG Cloud's approval": "Chờ VNG Cloud phê duyệt",
    "Approved": "Đã xác nhận",
    "Refused": "Không được chấp nhận",
    "Declined by the customer": "Khách hàng từ chối",
    "Expired: not confirmed in time": "Hết hạn xác nhận",
    "Withdrawn": "Đã rút lại",
    "Rejected by VNG Cloud": "VNG Cloud từ chối",
    # Reasons
    (
        "This email address is not an account registered with VNG Cloud. "
        "Check the address, or ask the customer to register an account first."
    ): (
        "Địa chỉ email này chưa phải là tài khoản đã đăng ký trên VNG Cloud. "
        "Hãy kiểm tra lại địa chỉ, hoặc đề nghị khách hàng đăng ký tài khoản trước."
    ),
    "The account does not meet the conditions. It must:": ("Tài khoản chưa đáp ứng các điều kiện. Tài khoản phải:"),
    "have no credit balance": "không còn số dư credit",
    "use none of VNG Cloud's services": "không đang sử dụng dịch vụ của VNG Cloud",
    "be offered none of VNG Cloud's discounts": "không đang được hưởng chiết khấu của VNG Cloud",
    "not be using a POC service from VNG Cloud": "không đang sử dụng dịch vụ POC của VNG Cloud",
    "be a prepaid account": "là tài khoản trả trước",
    "This account is registered for a partner already.": "Tài khoản này đã được đăng ký cho một đối tác.",
    "This account is a customer of VNG Cloud already.": "Tài khoản này đã là khách hàng của VNG Cloud.",
    ("Too many of your registrations are still waiting. Add this customer again once some of them are done."): (
        "Bạn đang có quá nhiều đăng ký chờ xử lý. Hãy thêm lại khách hàng này khi một số đăng ký đã hoàn tất."
    ),
    (
        "The customer declined your registration a short while ago. "
        "Talk to the customer before you add the account again."
    ): (
        "Khách hàng vừa từ chối đăng ký của bạn cách đây không lâu. "
        "Hãy trao đổi với khách hàng trước khi thêm lại tài khoản."
    ),
    # One account
    "Why": "Lý do",
    "The confirmation email could not be delivered. Check the email address with the customer.": (
        "Không gửi được email xác nhận. Hãy kiểm tra lại địa chỉ email với khách hàng."
    ),
    "The mail server said:": "Máy chủ email trả lời:",
    "Confirmation email sent": "Đã gửi email xác nhận",
    "Link valid until": "Liên kết có hiệu lực đến",
    "Timeline": "Diễn biến",
    "Back to the list": "Về danh sách",
    # The form
    "Customer %(n)s": "Khách hàng %(n)s",
    "Add a customer": "Thêm một khách hàng",
    "Add": "Thêm",
    (
        "A customer is added by the email address of an account registered with VNG Cloud. Rows left empty are ignored."
    ): (
        "Khách hàng được thêm bằng địa chỉ email của tài khoản đã đăng ký trên VNG Cloud. "
        "Các dòng để trống được bỏ qua."
    ),
    "Added to the system": "Đã thêm vào hệ thống",
    "added": "đã thêm",
    "already added with this form": "đã được thêm trước đó bằng biểu mẫu này",
    "%(n)s customer was not added. Correct what is marked below, then add it.": (
        "%(n)s khách hàng chưa được thêm. Hãy sửa những chỗ được đánh dấu bên dưới rồi thêm lại."
    ),
    "Nothing was added: enter at least one customer.": "Chưa thêm gì: hãy nhập ít nhất một khách hàng.",
    ("Nothing was added: a form takes 50 customers at most. Remove some and add them with another form."): (
        "Chưa thêm gì: mỗi biểu mẫu nhận tối đa 50 khách hàng. Hãy bớt một số và thêm chúng bằng biểu mẫu khác."
    ),
    "Nothing was added: the form is out of date. Send it again.": ("Chưa thêm gì: biểu mẫu đã cũ. Hãy gửi lại."),
    "Enter the customer's email address.": "Hãy nhập địa chỉ email của khách hàng.",
    "This is not an email address. Write it like name@example.com.": (
        "Đây không phải là địa chỉ email. Hãy viết theo dạng ten@example.com."
    ),
    "This email address is in the form twice. Enter another one, or leave the row empty.": (
        "Địa chỉ email này có hai lần trong biểu mẫu. Hãy nhập địa chỉ khác hoặc để trống dòng này."
    ),
    "Enter a common name.": "Hãy nhập tên thường gọi.",
    "The common name is too long: 200 characters at most.": "Tên thường gọi quá dài: tối đa 200 ký tự.",
    "Write the common name on one line, in ordinary characters.": (
        "Hãy viết tên thường gọi trên một dòng, bằng các ký tự thông thường."
    ),
    "Choose a role from the list.": "Hãy chọn một vai trò trong danh sách.",
}
