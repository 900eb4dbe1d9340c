"""What the people, companies and meetings of the world are called: all fictional, a good part of them not ASCII."""

from random import Random

FIRST = (
    ("Ada", "ada"),
    ("Amélie", "amelie"),
    ("Anders", "anders"),
    ("Bao", "bao"),
    ("Beatriz", "beatriz"),
    ("Callum", "callum"),
    ("Chidi", "chidi"),
    ("Clara", "clara"),
    ("Dmitri", "dmitri"),
    ("Dorothy", "dorothy"),
    ("Eleni", "eleni"),
    ("Emre", "emre"),
    ("Farah", "farah"),
    ("Fiona", "fiona"),
    ("Gareth", "gareth"),
    ("Greta", "greta"),
    ("Hana", "hana"),
    ("Hugo", "hugo"),
    ("Ingrid", "ingrid"),
    ("Ivo", "ivo"),
    ("Jonas", "jonas"),
    ("José", "jose"),
    ("Keiko", "keiko"),
    ("Kofi", "kofi"),
    ("Leila", "leila"),
    ("Łukasz", "lukasz"),
    ("Maeve", "maeve"),
    ("Mateo", "mateo"),
    ("Nadia", "nadia"),
    ("Nils", "nils"),
    ("Oksana", "oksana"),
    ("Óscar", "oscar"),
    ("Priya", "priya"),
    ("Quentin", "quentin"),
    ("Rosa", "rosa"),
    ("Ruben", "ruben"),
    ("Sören", "soren"),
    ("Sunita", "sunita"),
    ("Tamsin", "tamsin"),
    ("Theo", "theo"),
    ("Uma", "uma"),
    ("Viktor", "viktor"),
    ("Wanjiru", "wanjiru"),
    ("Xenia", "xenia"),
    ("Yusuf", "yusuf"),
    ("Zoë", "zoe"),
    ("李娜", "lina"),
    ("Ольга", "olga"),
)

LAST = (
    ("Abernathy", "abernathy"),
    ("Ångström", "angstrom"),
    ("Barrowclough", "barrowclough"),
    ("Bianchetti", "bianchetti"),
    ("Carruthers", "carruthers"),
    ("Çelikten", "celikten"),
    ("Dalgaard", "dalgaard"),
    ("de la Peña", "delapena"),
    ("Eastwick", "eastwick"),
    ("Eriksdotter", "eriksdotter"),
    ("Fairweather", "fairweather"),
    ("Ferreiro", "ferreiro"),
    ("Gallowmere", "gallowmere"),
    ("Große", "grosse"),
    ("Haverford", "haverford"),
    ("Hollingsworth", "hollingsworth"),
    ("Ibekwe", "ibekwe"),
    ("Ivarsson", "ivarsson"),
    ("Jankovitz", "jankovitz"),
    ("Kestrelson", "kestrelson"),
    ("Kowalczyk", "kowalczyk"),
    ("Lindqvist", "lindqvist"),
    ("Loxley", "loxley"),
    ("MacAllister-Reyes", "macallister.reyes"),
    ("Marchetti", "marchetti"),
    ("Nakagawa", "nakagawa"),
    ("Nørgaard", "norgaard"),
    ("O'Quillan", "oquillan"),
    ("Okonjo", "okonjo"),
    ("Pemberton", "pemberton"),
    ("Petrosyan", "petrosyan"),
    ("Quarles", "quarles"),
    ("Rasmussen", "rasmussen"),
    ("Rookwood", "rookwood"),
    ("Sandoval", "sandoval"),
    ("Šimunović", "simunovic"),
    ("Silverthorne", "silverthorne"),
    ("Tanigawa", "tanigawa"),
    ("Thistlewood", "thistlewood"),
    ("Underhill", "underhill"),
    ("Valdivieso", "valdivieso"),
    ("van der Meulen", "vandermeulen"),
    ("Wetherby", "wetherby"),
    ("Winterbourne", "winterbourne"),
    ("Yilmazer", "yilmazer"),
    ("Zabłocki", "zablocki"),
    ("Zimmerlin", "zimmerlin"),
    ("田中", "tanaka"),
)

COMPANY_HEADS = (
    ("Alderwick", "alderwick"),
    ("Bramblecote", "bramblecote"),
    ("Cindervale", "cindervale"),
    ("Dunmarrow", "dunmarrow"),
    ("Elmsgate", "elmsgate"),
    ("Fennimore", "fennimore"),
    ("Gullhaven", "gullhaven"),
    ("Harrowdene", "harrowdene"),
    ("Îlotverre", "ilotverre"),
    ("Juniperry", "juniperry"),
    ("Kettlebrook", "kettlebrook"),
    ("Larkholm", "larkholm"),
    ("Mürrenbach", "murrenbach"),
    ("Nettlestone", "nettlestone"),
    ("Øresyn", "oresyn"),
    ("Pinecastle", "pinecastle"),
    ("Quillfeather", "quillfeather"),
    ("Ravensmoor", "ravensmoor"),
    ("Señorío", "senorio"),
    ("Tarnwater", "tarnwater"),
    ("Umberfield", "umberfield"),
    ("Vintersol", "vintersol"),
    ("Wrenbury", "wrenbury"),
    ("山風", "yamakaze"),
    ("Yarrowby", "yarrowby"),
)

COMPANY_TAILS = (
    ("Systems", "Software"),
    ("Logistics", "Transport"),
    ("Foods", "Food & Beverage"),
    ("Robotics", "Manufacturing"),
    ("Health", "Health Care"),
    ("Capital", "Finance"),
    ("Energy", "Energy"),
    ("Media", "Media"),
    ("Textiles", "Apparel"),
    ("Analytics", "Software"),
    ("Cooperative", "Retail"),
    ("Marine", "Transport"),
    ("Paper & Print", "Printing"),
    ("Optics", "Manufacturing"),
    ("Learning", "Education"),
    ("Travel", "Hospitality"),
)

PLACES = (
    # city, state, country, Rails' zone name, IANA zone name, winter offset in minutes
    ("Atlanta", "GA", "United States", "US/Eastern", "America/New_York", -300),
    ("Boston", "MA", "United States", "US/Eastern", "America/New_York", -300),
    ("Chicago", "IL", "United States", "US/Central", "America/Chicago", -360),
    ("Denver", "CO", "United States", "US/Mountain", "America/Denver", -420),
    ("Seattle", "WA", "United States", "US/Pacific", "America/Los_Angeles", -480),
    ("London", "England", "United Kingdom", "Europe/London", "Europe/London", 0),
    ("Köln", "Nordrhein-Westfalen", "Germany", "Europe/Berlin", "Europe/Berlin", 60),
    ("São Paulo", "SP", "Brazil", "America/Sao_Paulo", "America/Sao_Paulo", -180),
    ("東京", "東京都", "Japan", "Asia/Tokyo", "Asia/Tokyo", 540),
    ("Bengaluru", "Karnataka", "India", "Asia/Kolkata", "Asia/Kolkata", 330),
)

JOBS = (
    # title, seniority, function
    ("Head of Revenue Operations", "director", "operations"),
    ("VP Sales", "vice_president", "sales"),
    ("Marketing Manager", "manager", "marketing"),
    ("Chief Financial Officer", "executive", "finance"),
    ("IT Administrator", "individual_contributor", "information technology"),
    ("Procurement Lead", "manager", "operations"),
    ("Customer Success Manager", "manager", "support"),
    ("Geschäftsführerin", "executive", "executive"),
)

TITLES = (
    "Intro call with {company}",
    "Discovery: {company}",
    "Product demo for {company}",
    "{company}: pricing and next steps",
    "Follow-up with {person}",
    "Quarterly review — {company}",
    "Technical deep dive ({company})",
    "Contract walk-through, {person}",
    "Präsentation für {company} 🚀",
    "{company} との打ち合わせ",
    "Onboarding kick-off: {company}",
    "15 min: {person} / Brightquay",
)

SERIES_TITLES = ("Weekly check-in: {company}", "Steering committee — {company}", "Monthly business review, {company}")

CADENCE_THEMES = (
    "Inbound trial",
    "Webinar follow-up",
    "Enterprise outbound",
    "Renewal nudge",
    "Event: Spring Summit",
    "Lost deals revisited",
    "Partner referrals",
    "Neukunden DACH",
    "Product-led upsell",
    "Reactivation",
)

TEAM_DOMAIN = "brightquay.example"
MAIL_DOMAIN = "postkorb.example"


def people_names(rng: Random, count: int) -> list[tuple[str, str, str]]:
    """Draw first name, last name and ASCII mailbox, each mailbox once."""
    pairs = [(first, last) for first in FIRST for last in LAST]
    rng.shuffle(pairs)
    names = []
    for number in range(count):
        first, last = pairs[number % len(pairs)]
        turn = number // len(pairs)
        names.append((first[0], last[0], f"{first[1]}.{last[1]}{turn or ''}"))
    return names


def company_names(rng: Random, count: int) -> list[tuple[str, str, str]]:
    """Draw company name, domain and industry, each domain once."""
    pairs = [(head, tail) for head in COMPANY_HEADS for tail in COMPANY_TAILS]
    rng.shuffle(pairs)
    companies = []
    for number in range(count):
        head, (tail, industry) = pairs[number % len(pairs)]
        turn = number // len(pairs)
        word = "".join(letter for letter in tail.lower() if letter.isalpha())
        companies.append(
            (f"{head[0]} {tail}{f' {turn + 1}' if turn else ''}", f"{head[1]}-{word}{turn or ''}.example", industry)
        )
    return companies
