"""Three weeks of five partners' worth of trouble, as a table: who does what on which day, and how each must end."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.web.formats import VIETNAM

START = datetime(2026, 8, 24, 9, tzinfo=VIETNAM)
"""A Monday; in the second week Vietnam's National Day takes three working days."""

LAN = "lan@saigon-cloud.example"
MINH = "minh@hanoi-digital.example"
HOA = "hoa@vng.example"

AN = "an.nguyen@minhphat.example"
BINH = "binh.tran@hoasen.example"
CHI_OLD = "chi.le@anphu.example"
CHI = "chi@anphu.example"
DUNG = "dung.pham@sonha.example"
GIANG = "giang.hoang@bachviet.example"
HA = "ha.vu@lotus.example"
KHANH = "khanh.do@thanhcong.example"
LINH = "linh.bui@mekong.example"
MY = "my.dang@tayninh.example"

ACCOUNTS = {AN: "vi", BINH: "vi", CHI_OLD: "vi", CHI: "vi", DUNG: "vi", GIANG: "vi", HA: "vi", KHANH: "vi", LINH: "en",
            MY: "vi"}  # fmt: skip
CURRENT_CUSTOMERS = {GIANG}
NO_SUCH_MAILBOX = {CHI_OLD}


@dataclass(frozen=True, slots=True)
class Act:
    """`words` are what the person writes: a common name, a reason."""

    day: int
    who: str
    does: str
    customer: str = ""
    words: str = ""


STORY = (
    Act(0, LAN, "register", AN, "Minh Phát"),
    Act(0, LAN, "register", BINH, "Hoa Sen"),
    Act(0, LAN, "register", CHI_OLD, "An Phú"),
    Act(0, MINH, "register", DUNG, "Sơn Hà"),
    Act(0, MINH, "register", GIANG, "Bách Việt"),
    Act(0, LAN, "register", HA, "Lotus"),
    Act(0, MINH, "register", KHANH, "Thành Công"),
    Act(0, MINH, "register", LINH, "Mekong"),
    Act(0, LAN, "register", MY, "Tây Ninh"),
    Act(0, AN, "confirm"),
    Act(0, HOA, "approve", AN),
    Act(1, LAN, "withdraw", CHI_OLD, "Sai địa chỉ email"),
    Act(1, LAN, "register", CHI, "An Phú"),
    Act(1, KHANH, "decline", words="Chúng tôi chưa cần"),
    Act(1, MY, "confirm"),
    Act(2, GIANG, "confirm"),
    Act(2, "VNG Cloud", "becomes a customer of VNG's own", MY),
    Act(3, CHI, "confirm"),
    Act(3, LAN, "resend", HA),
    Act(4, DUNG, "confirm"),
    Act(4, HA, "confirm by the first link"),
    Act(4, HOA, "approve", CHI),
    Act(5, MINH, "register", KHANH, "Thành Công"),
    Act(6, HOA, "reject", HA, "Hồ sơ chưa đủ"),
    Act(6, MINH, "withdraw", LINH, "Khách hàng đổi ý"),
    Act(7, "mail server", "goes away"),
    Act(10, "mail server", "comes back"),
    Act(15, HOA, "approve", DUNG),
    Act(16, LAN, "register", BINH, "Hoa Sen"),
    Act(17, BINH, "confirm"),
    Act(18, HOA, "approve", BINH),
)

LAST_DAY = max(act.day for act in STORY)

EXPECTED = (
    (AN, "Approved"),
    (BINH, "Expired: not confirmed in time"),
    (CHI_OLD, "Withdrawn"),
    (DUNG, "Approved"),
    (GIANG, "Approved"),
    (HA, "Rejected by VNG Cloud"),
    (KHANH, "Declined by the customer"),
    (LINH, "Withdrawn"),
    (MY, "Approved"),
    (CHI, "Approved"),
    (KHANH, "Refused"),
    (BINH, "Approved"),
)
"""In the order of registration, as the portal's page says it on day 20."""


def morning(day: int) -> datetime:
    return START + timedelta(days=day)


def evening(day: int) -> datetime:
    return morning(day) + timedelta(hours=9)
