//! Invented names. Some are there to hurt: accents, quotes, commas, backslashes and the characters that Go escapes.

pub const WOMEN: &[&str] = &[
    "Ada",
    "Beatrix",
    "Carmela",
    "Dorothea",
    "Estela",
    "Fern",
    "Greta",
    "Hedwig",
    "Inês",
    "Josefina",
    "Katarína",
    "Lourdes",
    "Maeve",
    "Noémie",
    "Opal",
    "Philippa",
    "Quintina",
    "Rosalind",
    "Siobhán",
    "Thea",
    "Ursula",
    "Winifred",
];

pub const MEN: &[&str] = &[
    "Ambrose",
    "Bartholomew",
    "Cedric",
    "Dieter",
    "Ezequiel",
    "Ferdinand",
    "Gustavo",
    "Håkon",
    "Ignatius",
    "Jürgen",
    "Knut",
    "Lazaro",
    "Matías",
    "Nils",
    "Osvaldo",
    "Percival",
    "René",
    "Sebastián",
    "Tobias",
    "Ulises",
    "Wendell",
];

pub const FAMILIES: &[&str] = &[
    "Amberwick",
    "Brackenfold",
    "Castellanova",
    "Dunmorrow",
    "Eberstrand",
    "Fennimoor",
    "Grüntal",
    "Hollowby",
    "Ibarrondo",
    "Jessamine",
    "Kettlethwaite",
    "Lindqvåg",
    "Marisquette",
    "Nuñosa",
    "Oakhanger",
    "Pfeiffenberg",
    "Quillfeather",
    "Ravensloe",
    "Saltmarshe",
    "Thistlewood",
    "Underbarrow",
    "Vandermere",
    "Wraithwaite",
    "Yarborne",
];

/// Family names that break careless writers of CSV, JSON and fixed width.
pub const AWKWARD: &[&str] = &[
    "O\"Tool",
    "Back\\slash",
    "Smythe, Jr.",
    "Hearth&Home",
    "Less<than>More",
    "D'Arcy-Ortélius",
    "Łukasiewska",
    "van der Ähren",
    "Tab\tbed",
    "名取",
    "Sep\u{2028}arate",
    "Ampersand &amp; Co",
];

pub const ORGANISATIONS: &[&str] = &[
    "Harborlight Medical Center",
    "Thornfield Valley Hospital",
    "Saint Eulalia Health System",
    "Copper Basin Clinic & Laboratory",
    "Willowmere Skilled Nursing, LLC",
    "Lakeshore Home Care \"Plus\"",
    "Prairie Lantern Hospice",
    "Casa Niñera Community Hospital",
];

pub const PHARMACIES: &[&str] =
    &["Corner Mortar Pharmacy", "Bluebell Drugs #12", "Mesa & Vine Apothecary", "Northwind Rx"];

/// Drug names of no manufacturer.
pub const DRUGS: &[&str] = &[
    "Velorastin - TABLET, FILM COATED",
    "Quinobrel - CAPSULE",
    "Hydrastolone - SOLUTION",
    "Metravane ER - TABLET, EXTENDED RELEASE",
    "Insulin lumbra - INJECTION, SOLUTION",
];

pub const STREETS: &[&str] =
    &["Alder Way", "Bellfounder Lane", "Calle Jacarandá", "Drover's Road", "Elm & Third Street"];

pub const CITIES: &[&str] = &["Aldersgate", "Brookhollow", "Cañon Viejo", "Dunwater", "Eastmere", "Fort Lindley"];
