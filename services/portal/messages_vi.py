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
    "Registered": "Đã gửi đăng ký",
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
    "The account does not meet the conditions.": "Tài khoản chưa đáp ứng các điều kiện.",
    "It must:": "Tài khoản phải:",
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
    "The mail server said:": "Máy chủ email trả lời:",
    "not yet": "chưa gửi",
    "Confirmation email sent": "Đã gửi email xác nhận",
    "Link valid until": "Liên kết có hiệu lực đến",
    "Can still be sent again": "Còn được gửi lại",
    "%(n)s time": "%(n)s lần",
    "Could not be delivered": "Không gửi được email",
    "The confirmation email could not be delivered.": "Không gửi được email xác nhận.",
    (
        "If the address is wrong, withdraw this registration and register the customer with the right one. "
        "If the customer has put the mailbox right, send the email again."
    ): (
        "Nếu địa chỉ sai, hãy rút lại đăng ký này rồi đăng ký khách hàng với địa chỉ đúng. "
        "Nếu khách hàng đã khắc phục hộp thư, hãy gửi lại email."
    ),
    "Register again": "Đăng ký lại",
    # Sending again
    "Send the confirmation email again": "Gửi lại email xác nhận",
    "Send again": "Gửi lại",
    "The customer has the full time to answer again. The links sent before keep working.": (
        "Thời hạn trả lời của khách hàng được tính lại từ đầu. Các liên kết đã gửi trước đó vẫn dùng được."
    ),
    "%(who)s asked on %(when)s to send it again. It is on its way.": (
        "%(who)s đã yêu cầu gửi lại lúc %(when)s. Email đang được gửi."
    ),
    "The email was not sent again: the last one had gone out only a short while before.": (
        "Email không được gửi lại vì email trước đó vừa được gửi cách đó không lâu."
    ),
    "The email was not sent again: it had been sent as often as it can be.": (
        "Email không được gửi lại vì đã gửi đủ số lần cho phép."
    ),
    "The email was not sent again: the customer was not being asked at that moment.": (
        "Email không được gửi lại vì lúc đó đăng ký không ở trạng thái chờ khách hàng xác nhận."
    ),
    # Withdrawing
    "Withdrawal under way": "Đang rút lại",
    "Withdraw this registration": "Rút lại đăng ký này",
    "Withdraw": "Rút lại",
    "Reason (optional)": "Lý do (không bắt buộc)",
    (
        "The registration ends, and the link in the confirmation email stops working. "
        "If that email has gone out, the customer is told. You can register the customer again later."
    ): (
        "Đăng ký sẽ kết thúc và liên kết trong email xác nhận không còn dùng được. "
        "Nếu email đó đã được gửi, khách hàng sẽ nhận được thông báo. Bạn có thể đăng ký lại khách hàng này sau."
    ),
    "Nothing was withdrawn: the reason is too long. Use 1000 characters at most.": (
        "Chưa rút lại: lý do quá dài. Hãy dùng tối đa 1000 ký tự."
    ),
    "Nothing was withdrawn: write the reason in ordinary characters.": (
        "Chưa rút lại: hãy viết lý do bằng các ký tự thông thường."
    ),
    ("%(who)s asked to withdraw this registration on %(when)s. Nothing more is needed: the status follows shortly."): (
        "%(who)s đã yêu cầu rút lại đăng ký này lúc %(when)s. "
        "Bạn không cần làm gì thêm: trạng thái sẽ sớm được cập nhật."
    ),
    (
        "%(who)s asked to withdraw this registration on %(when)s, but something else was decided first, and that holds."
    ): (
        "%(who)s đã yêu cầu rút lại đăng ký này lúc %(when)s, "
        "nhưng trước đó đã có quyết định khác và quyết định đó có hiệu lực."
    ),
    # Why something cannot be done
    (
        "No confirmation email has been sent yet. "
        "The first one goes out by itself once the registration has been checked."
    ): ("Chưa có email xác nhận nào được gửi. Email đầu tiên sẽ tự động được gửi sau khi đăng ký được kiểm tra."),
    (
        "The customer confirmed on %(when)s, so no email was sent. "
        "VNG Cloud decides now; there is nothing for you to do."
    ): (
        "Khách hàng đã xác nhận lúc %(when)s nên không gửi email nữa. "
        "VNG Cloud đang xem xét; bạn không cần làm gì thêm."
    ),
    "So no confirmation email was sent.": "Vì vậy email xác nhận không được gửi.",
    "To ask the customer again, register the account again.": ("Để hỏi lại khách hàng, hãy đăng ký lại tài khoản này."),
    (
        "The confirmation email has been sent %(n)s time and cannot be sent again. "
        "The customer can open the link in any of these emails until %(until)s. "
        "If the customer cannot, withdraw this registration and register the account again."
    ): (
        "Email xác nhận đã được gửi %(n)s lần và không thể gửi lại nữa. "
        "Khách hàng có thể mở liên kết trong bất kỳ email nào đã nhận cho đến %(until)s. "
        "Nếu khách hàng không mở được, hãy rút lại đăng ký này rồi đăng ký lại tài khoản."
    ),
    "The last confirmation email went out on %(sent)s. You can send it again from %(next)s.": (
        "Email xác nhận gần nhất được gửi lúc %(sent)s. Bạn có thể gửi lại từ %(next)s."
    ),
    (
        "%(who)s asked to withdraw this registration on %(when)s, so no email was sent. "
        "Once it is withdrawn, you can register the account again."
    ): (
        "%(who)s đã yêu cầu rút lại đăng ký này lúc %(when)s nên không gửi email nữa. "
        "Sau khi đăng ký được rút lại, bạn có thể đăng ký lại tài khoản."
    ),
    (
        "This registration was approved on %(when)s without a review, "
        "because the account was a customer of VNG Cloud already."
    ): (
        "Đăng ký này đã được phê duyệt lúc %(when)s mà không cần xem xét, "
        "vì tài khoản vốn đã là khách hàng của VNG Cloud."
    ),
    "This registration was approved by VNG Cloud's staff on %(when)s.": (
        "Đăng ký này đã được nhân viên VNG Cloud phê duyệt lúc %(when)s."
    ),
    "This registration was refused by VNG Cloud on %(when)s.": (
        "VNG Cloud đã không chấp nhận đăng ký này lúc %(when)s."
    ),
    "The customer declined this registration on %(when)s.": "Khách hàng đã từ chối đăng ký này lúc %(when)s.",
    "This registration expired on %(when)s: the customer had not confirmed by then.": (
        "Đăng ký này đã hết hạn lúc %(when)s vì đến lúc đó khách hàng vẫn chưa xác nhận."
    ),
    "This registration was rejected by VNG Cloud on %(when)s.": "Đăng ký này đã bị VNG Cloud từ chối lúc %(when)s.",
    "This registration was withdrawn by %(who)s on %(when)s.": "%(who)s đã rút lại đăng ký này lúc %(when)s.",
    "This registration was withdrawn on %(when)s.": "Đăng ký này đã được rút lại lúc %(when)s.",
    "It can no longer be withdrawn. If it has to end, contact VNG Cloud.": (
        "Không thể rút lại nữa. Nếu cần chấm dứt, hãy liên hệ VNG Cloud."
    ),
    "There is nothing left to withdraw. You can register the account again.": (
        "Không còn gì để rút lại. Bạn có thể đăng ký lại tài khoản này."
    ),
    # How it stands
    "VNG Cloud is checking the account. There is nothing for you to do.": (
        "VNG Cloud đang kiểm tra tài khoản. Bạn không cần làm gì thêm."
    ),
    "The customer was asked by email, and can answer until %(until)s.": (
        "Yêu cầu xác nhận đã được gửi qua email. Khách hàng có thể trả lời đến %(until)s."
    ),
    "The email that asks the customer to confirm is on its way.": "Email xác nhận đang được gửi đến khách hàng.",
    "The customer has confirmed. VNG Cloud decides now; there is nothing for you to do.": (
        "Khách hàng đã xác nhận. VNG Cloud đang xem xét; bạn không cần làm gì thêm."
    ),
    "You manage this customer's credits and price lists.": "Bạn quản lý credit và bảng giá của khách hàng này.",
    # The timeline
    "Registered by %(who)s": "%(who)s đã đăng ký",
    "Checked by VNG Cloud: the customer is asked to confirm": ("VNG Cloud đã kiểm tra: yêu cầu khách hàng xác nhận"),
    "Confirmation email no. %(n)s sent to the customer": "Đã gửi email xác nhận lần %(n)s cho khách hàng",
    "%(who)s asked to send the confirmation email again": "%(who)s đã yêu cầu gửi lại email xác nhận",
    "Confirmed by the customer, %(who)s": "Khách hàng %(who)s đã xác nhận",
    "%(who)s asked to withdraw the registration": "%(who)s đã yêu cầu rút lại đăng ký",
    "Approved without a review: the account was a customer of VNG Cloud already": (
        "Được phê duyệt mà không cần xem xét: tài khoản vốn đã là khách hàng của VNG Cloud"
    ),
    "Approved by VNG Cloud's staff": "Nhân viên VNG Cloud đã phê duyệt",
    "Refused by VNG Cloud": "VNG Cloud không chấp nhận",
    "Timeline": "Diễn biến",
    "Back to the list": "Quay lại danh sách",
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
