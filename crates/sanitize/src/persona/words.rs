//! The words that names and addresses are invented from. The lists may grow only at a new version
//! of the subkeys: another length gives everybody another name.

/// Given names.
pub(super) const FIRST: &[&str] = &[
    "Ada", "Agnes", "Albert", "Alma", "Amara", "Anton", "Astrid", "Bela", "Bruno", "Carla",
    "Cecil", "Clara", "Cosmo", "Dagmar", "Daphne", "Dario", "Edda", "Edgar", "Elias", "Elsa",
    "Emil", "Enzo", "Erika", "Esther", "Fabia", "Felix", "Fiona", "Flora", "Gerda", "Gino",
    "Greta", "Gustav", "Hanna", "Hector", "Helga", "Hugo", "Ida", "Igor", "Ines", "Iris", "Ivan",
    "Jana", "Jasper", "Jonas", "Judith", "Julia", "Karin", "Kaspar", "Klara", "Lars", "Leo",
    "Lina", "Lorenz", "Lucia", "Magda", "Marco", "Maria", "Marta", "Milo", "Mona", "Nadia",
    "Nils", "Nora", "Olga", "Oscar", "Otto", "Paula", "Pedro", "Petra", "Pia", "Quinn", "Ralf",
    "Rita", "Robin", "Rosa", "Ruth", "Sandro", "Selma", "Silas", "Sonja", "Stella", "Svea",
    "Tamara", "Theo", "Tilda", "Tobias", "Ursula", "Vera", "Viktor", "Wanda", "Wilma", "Xaver",
    "Yara", "Yvonne", "Zara", "Zeno",
];

/// Family names.
pub(super) const LAST: &[&str] = &[
    "Abbott", "Adler", "Albers", "Archer", "Baker", "Barnes", "Becker", "Bell", "Berger", "Blum",
    "Brandt", "Brook", "Carver", "Castell", "Conrad", "Cooper", "Dahl", "Decker", "Dorn", "Drake",
    "Ebner", "Ekman", "Engel", "Falk", "Farmer", "Fischer", "Fisher", "Forster", "Frank", "Garner",
    "Gerber", "Glover", "Graf", "Gruber", "Haas", "Hagen", "Harper", "Hauser", "Heller", "Hoff",
    "Hunter", "Jansen", "Jung", "Kaiser", "Keller", "Kern", "Koch", "Kramer", "Krause", "Lang",
    "Lehner", "Lind", "Lorenz", "Marsh", "Mason", "Mercer", "Miller", "Moser", "Nagel", "Nolan",
    "Norden", "Ostler", "Palmer", "Parker", "Pohl", "Porter", "Prinz", "Quast", "Ranger", "Reed",
    "Richter", "Ritter", "Roth", "Sander", "Sawyer", "Schmidt", "Schneider", "Seiler", "Shaw",
    "Simmer", "Slater", "Sommer", "Stein", "Stone", "Tanner", "Taylor", "Thaler", "Turner",
    "Unger", "Vogel", "Wagner", "Walker", "Weaver", "Weber", "Winter", "Wolf", "Wright", "Zeller",
];

/// Streets.
pub(super) const STREETS: &[&str] = &[
    "Alder Street", "Ash Lane", "Beech Avenue", "Birch Road", "Bridge Street", "Brook Lane",
    "Cedar Avenue", "Chapel Road", "Cherry Lane", "Chestnut Street", "Clover Way", "Dale Road",
    "Elder Lane", "Elm Street", "Fern Way", "Field Lane", "Garden Road", "Garnet Street",
    "Harbour Road", "Hazel Avenue", "Heather Way", "Hill Lane", "Holly Road", "Ivy Street",
    "Juniper Way", "Lake Road", "Larch Avenue", "Laurel Lane", "Lime Street", "Linden Avenue",
    "Maple Road", "Meadow Lane", "Mill Street", "Moss Way", "Oak Avenue", "Olive Street",
    "Orchard Road", "Park Lane", "Pine Street", "Poplar Avenue", "Quarry Road", "River Street",
    "Rowan Way", "Sage Lane", "School Road", "Spruce Avenue", "Station Street", "Sycamore Road",
    "Thistle Way", "Valley Lane", "Vine Street", "Walnut Avenue", "Willow Road", "Yew Lane",
];

/// Towns that no map has.
pub(super) const CITIES: &[&str] = &[
    "Alderwick", "Amberfield", "Ashenport", "Birchhollow", "Bramblegate", "Brightmoor",
    "Cedarhaven", "Cloverbrook", "Coppervale", "Dawnridge", "Driftmere", "Eastmarsh", "Elmstead",
    "Fairhollow", "Fennimoor", "Fernbridge", "Foxglen", "Goldenbury", "Greywater", "Harrowgate",
    "Hazelwick", "Ivyport", "Junipervale", "Kestrelton", "Lakemoor", "Larkhollow", "Lindenhurst",
    "Maplewick", "Millhaven", "Mistfield", "Northmere", "Oakenbridge", "Orchardstead", "Pebbleton",
    "Pinehollow", "Quillport", "Ravenmoor", "Rosehaven", "Rowanfield", "Sagewick", "Silverbrook",
    "Springhollow", "Stonemere", "Thistleton", "Umberfield", "Violetmoor", "Westerglen",
    "Willowport", "Wrenfield", "Yarrowton",
];

/// The first halves of companies' names.
pub(super) const COMPANIES: &[&str] = &[
    "Acorn", "Amber", "Anchor", "Aspen", "Atlas", "Beacon", "Bluebird", "Boulder", "Cascade",
    "Cedar", "Cobalt", "Compass", "Copper", "Coral", "Crescent", "Delta", "Ember", "Falcon",
    "Fjord", "Garnet", "Glacier", "Granite", "Harbour", "Heron", "Horizon", "Indigo", "Juniper",
    "Kestrel", "Lantern", "Lark", "Lighthouse", "Maple", "Meridian", "Mosaic", "Nimbus", "Oakleaf",
    "Onyx", "Orbit", "Osprey", "Pebble", "Pinnacle", "Prism", "Quartz", "Raven", "Ridge", "Saffron",
    "Sequoia", "Silver", "Sparrow", "Summit", "Thistle", "Tidewater", "Topaz", "Tundra", "Vertex",
    "Walnut", "Willow", "Zephyr",
];

/// The second halves of companies' names.
pub(super) const TRADES: &[&str] = &[
    "Analytics", "Bakery", "Books", "Builders", "Consulting", "Design", "Foods", "Freight",
    "Instruments", "Labs", "Logistics", "Media", "Partners", "Supplies", "Systems", "Trading",
    "Travel", "Works",
];
