"""The Vietnamese of the shared templates, by the English sentence."""

MESSAGES = {
    "Customer registration": "Đăng ký khách hàng",
    "Skip to the content": "Chuyển đến nội dung",
    "Menu": "Menu",
    "Sign in": "Đăng nhập",
    "Sign out": "Đăng xuất",
    "Try again": "Thử lại",
    "The request could not be read": "Không đọc được yêu cầu",
    "You are not signed in": "Bạn chưa đăng nhập",
    "This is not allowed": "Không được phép",
    "There is no such page": "Không có trang này",
    "This page does not do that": "Trang này không làm được việc đó",
    "Something else was decided first": "Đã có quyết định khác trước đó",
    "That is too much at once": "Gửi quá nhiều trong một lần",
    "Something in the form needs another look": "Có chỗ trong biểu mẫu cần xem lại",
    "Too many tries": "Thử quá nhiều lần",
    "A part of the service is not available": "Một phần của dịch vụ đang tạm ngừng",
    "Something went wrong on our side": "Hệ thống gặp sự cố",
    "What your browser sent could not be read. Go back, reload the page and try again.": (
        "Không đọc được nội dung trình duyệt gửi đến. Hãy quay lại, tải lại trang rồi thử lại."
    ),
    "Your session is over, and nothing was changed. Sign in, then do it again.": (
        "Phiên làm việc đã hết và chưa có gì thay đổi. Hãy đăng nhập rồi làm lại."
    ),
    "The request came from another site, so nothing was changed. Open the page here and try again.": (
        "Yêu cầu đến từ một trang khác nên chưa có gì thay đổi. Hãy mở trang tại đây rồi thử lại."
    ),
    "The form is out of date, so nothing was changed. Reload the page and send it again.": (
        "Biểu mẫu đã cũ nên chưa có gì thay đổi. Hãy tải lại trang rồi gửi lại."
    ),
    ("Your account does not have the role that this page needs. Ask your administrator for it, then sign in again."): (
        "Tài khoản của bạn chưa có vai trò mà trang này yêu cầu. "
        "Hãy đề nghị quản trị viên cấp vai trò rồi đăng nhập lại."
    ),
    "You may not do this. If you think you should, ask your administrator.": (
        "Bạn không được làm việc này. Nếu bạn cho là cần, hãy hỏi quản trị viên."
    ),
    "The address may be mistyped or cut off. If it is from an email, open the link there once more.": (
        "Địa chỉ có thể bị gõ sai hoặc bị cắt mất. Nếu địa chỉ lấy từ email, hãy mở lại liên kết trong email."
    ),
    "The address exists, but not for this. Go back and use the links and buttons of the page.": (
        "Có địa chỉ này nhưng không dùng cho việc đó. Hãy quay lại và dùng các liên kết, nút trên trang."
    ),
    "It changed while you were looking at it. Reload the page to see how it stands now.": (
        "Nội dung đã thay đổi trong lúc bạn xem. Hãy tải lại trang để thấy tình trạng hiện tại."
    ),
    "The form holds more than can be taken at once, and nothing was changed. Send it in smaller parts.": (
        "Biểu mẫu chứa quá nhiều trong một lần và chưa có gì thay đổi. Hãy gửi thành từng phần nhỏ hơn."
    ),
    "Nothing was changed. Go back, correct what you typed and send it again.": (
        "Chưa có gì thay đổi. Hãy quay lại, sửa nội dung đã nhập rồi gửi lại."
    ),
    "Please wait a little before you try again.": "Vui lòng đợi một lát rồi thử lại.",
    "Nothing is lost. Please try again in a few minutes.": ("Không mất dữ liệu. Vui lòng thử lại sau vài phút."),
    "It is recorded, and not your fault. Please try again in a few minutes.": (
        "Sự cố đã được ghi lại và không phải do bạn. Vui lòng thử lại sau vài phút."
    ),
    "Sign-in did not work": "Đăng nhập không thành công",
    (
        "The sign-in service knows you, but did not say something about you that is needed here, "
        "or said it in a form that cannot be used:"
    ): ("Dịch vụ đăng nhập nhận ra bạn nhưng thiếu một thông tin cần dùng ở đây, hoặc thông tin đó không dùng được:"),
    "Ask the administrator of your accounts to add it for you, then try again.": (
        "Hãy đề nghị quản trị viên tài khoản bổ sung thông tin này rồi thử lại."
    ),
    "The sign-in service does not answer at the moment. Please try again in a few minutes.": (
        "Dịch vụ đăng nhập hiện không trả lời. Vui lòng thử lại sau vài phút."
    ),
    "It was cancelled, took too long, or was begun in another window.": (
        "Việc đăng nhập đã bị hủy, quá lâu, hoặc được bắt đầu ở một cửa sổ khác."
    ),
    "You are signed out": "Bạn đã đăng xuất",
    "On a shared computer, sign out of the sign-in service too, or close the browser.": (
        "Nếu dùng chung máy tính, hãy đăng xuất cả ở dịch vụ đăng nhập hoặc đóng trình duyệt."
    ),
}
