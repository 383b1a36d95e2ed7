/* bench/words.h - the words of made-up articles: places, names and sentences of a region that does not
 * exist, the valley of the river Arle.
 *
 * A template has slots in braces. A slot with a capital first letter gives a capitalised value:
 *     {town} {town2} {street}  places             {thing} {topic}  "the tram extension", "tram extension"
 *     {body}                   that decides       {p1} {p1s} {role1}  a supporter: name, surname, role
 *     {day} {past} {month}     weekday, a month   {p2} {p2s} {role2}  a person with doubts
 *                              before, after
 *     {last} {year} {next}     of publication     {quote}          the next quote
 *     {money} {crowd} {helpers} {pupils} {artists} {staff} {samples} {sites} {years}
 *                              numbers that stay the same throughout an article
 *     {20-90}                  a new random number of that range
 *     {tag}                    one of the tags, in turn
 * All names are invented. */
#ifndef BENCH_WORDS_H
#define BENCH_WORDS_H

#include "bench/random.h"

/* Only for string literals in this file. */
#define LIST(...)                                                              \
    {                                                                          \
        .items = (const char *const[]){__VA_ARGS__},                           \
        .n = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *) \
    }

/* The subject of an article. `topic` has "the" before it and a singular verb after it. */
struct subject {
    const char *topic;
    struct list tags;
};

/* The words of a section: its subjects, and the sentences that fit each of them. */
struct section_words {
    const char *section;
    const struct subject *subjects;
    unsigned nsubjects;
    const struct list *contexts;
    struct list bodies, roles1, roles2;
    struct list titles, summaries, ledes, facts, praise, doubts, outlook;
};

static const struct list towns =
    LIST("Port Ellery", "Kesterfield", "Lindmouth", "Ostermoor", "Tarnwick", "Marbrook",
         "Hollin Bay", "Saint Orrin", "Alderstrand", "Easterby", "Brackenholm", "Dunmarsh",
         "Fenmouth", "Greywater", "Rowan Quay", "Vellacott", "Quillham", "Sandrigg", "Highmere",
         "Ravensey", "Pellworth", "Stavenby", "Ingleholt", "Carrowmere", "Thornavon", "Winterfold");

static const struct list streets =
    LIST("Chandler Street", "Mill Lane", "Station Road", "the Old Quay", "Weavers’ Row",
         "Lime Avenue", "the market square", "Orchard Hill", "Canal Street", "Bellfounders’ Yard",
         "Tannery Road", "Upper Town Road");

/* 50 first names and 40 surnames: the 2,000 authors of a corpus. */
static const struct list first_names =
    LIST("Amara", "Ilse", "Tomás", "Noor", "Halina", "Jürgen", "Søren", "Leïla", "Edith", "Kwame",
         "Marguerite", "Anselm", "Zoë", "Ruairí", "Petra", "Idris", "Solveig", "Matteo", "Yuki",
         "Bronwen", "Dalia", "Håkon", "Oluwaseun", "Greta", "Étienne", "Farid", "Rosalind", "Milos",
         "Ayşe", "Conrad", "Inês", "Lubomír", "Winifred", "Sanjay", "Agnieszka", "Malik", "Thea",
         "Björn", "Chiara", "Desmond", "Nadia", "Ottilie", "Paweł", "Quentin", "Renée", "Hamish",
         "Tamar", "Ulrike", "Vikram", "Wren");

static const struct list surnames =
    LIST("Halloran", "Vestergård", "Oyelaran", "Brückner", "Lindqvist", "Castellane", "Dvořák-Moss",
         "Achterberg", "Penhallow", "Szymborn", "Tanabe", "Marlowe-Diaz", "Ó Cuinn", "Fairweather",
         "Kjellgaard", "Nwosu", "Thackwell", "Rasmusen", "Belgrave", "Özkaya", "Whitlock",
         "Ferreiro", "Hedström", "Abara-Lane", "Crowther", "Żelazko", "Ashdown", "Guðnason",
         "Rainsford", "Dechamps", "Ilunga", "Merriweather", "Pohl", "Quayle", "Sørli", "Tregarth",
         "Underhill", "Varga", "Wexley", "Ypma");

/* Tags that any article may have, the most frequent first. */
static const struct list general_tags =
    LIST("Arle valley", "local news", "public money", "volunteers", "interview", "analysis",
         "young people", "town planning", "families", "history", "statistics", "elections",
         "neighbourhoods", "older people", "data", "jobs", "tourism", "rural life", "safety",
         "accessibility", "petitions", "photo essay", "law", "research", "fundraising", "awards",
         "festivals", "technology", "investigation", "explainer");

/* A corpus has 5,000 tags: each of these topics with each of these aspects. */
static const struct list corpus_topics = LIST(
    "harbour", "tram", "ferry", "school", "hospital", "library", "river", "housing", "market",
    "orchard", "museum", "theatre", "cycling", "railway", "water", "forest", "energy", "fishing",
    "university", "football", "council", "police", "court", "factory", "shipyard", "brewery",
    "bakery", "clinic", "nursery", "pension", "festival", "orchestra", "cinema", "gallery",
    "archive", "coast", "wetland", "reservoir", "bridge", "tunnel", "airport", "road", "parking",
    "bus", "rent", "tax", "budget", "election", "climate", "weather", "flood", "drought", "farming",
    "dairy", "vineyard", "timber", "quarry", "mining", "textile", "software", "satellite",
    "telescope", "laboratory", "vaccine", "nutrition", "sleep", "dental", "ambulance", "midwife",
    "surgery", "chess", "rowing", "athletics", "handball", "swimming", "climbing", "marathon",
    "cricket", "tennis", "stadium", "poetry", "sculpture", "opera", "jazz", "design",
    "architecture", "heritage", "language", "translation", "teacher", "apprentice", "exam",
    "kindergarten", "scholarship", "recycling", "compost", "wildlife", "bird", "whale", "peat");

static const struct list corpus_aspects =
    LIST("policy", "funding", "safety", "history", "reform", "prices", "jobs", "research",
         "training", "planning", "design", "workers", "visitors", "technology", "standards",
         "volunteers", "statistics", "maintenance", "access", "quality", "trade", "strategy", "law",
         "tours", "records", "ownership", "strikes", "closures", "openings", "investment",
         "insurance", "noise", "lighting", "equipment", "inspections", "licences", "subsidies",
         "exports", "partnerships", "campaigns", "protests", "awards", "debt", "waste",
         "innovation", "demand", "supply", "transport", "education", "management");

/* A corpus has 20 sections. The first ones are those of section_words, in their order. Section number i of
 * the others has the words of number i modulo NSECTION_WORDS. */
static const struct list corpus_sections =
    LIST("City", "Business", "Science", "Health", "Culture", "Sport", "Environment", "Education",
         "Politics", "Money", "Technology", "Wellbeing", "Books", "Athletics", "Weather",
         "Universities", "Housing", "Markets", "Space", "Medicine");

static const struct list attributions1_first =
    LIST("“{quote},” said {p1}, {role1}.",
         "{P1}, {role1}, smiled at the question. “{quote},” {p1s} said.",
         "“{quote},” {p1}, {role1}, told reporters on {day}.",
         "Speaking on {street}, {p1}, {role1}, said: “{quote}.”");

static const struct list attributions1 =
    LIST("“{quote},” {p1s} said.", "{P1s} added: “{quote}.”", "“{quote},” said {p1s}.",
         "After a pause {p1s} added: “{quote}.”", "“{quote},” {p1s} told this newspaper.");

static const struct list attributions2_first = LIST(
    "{P2}, {role2}, put it another way. “{quote},” {p2s} said.",
    "{P2}, {role2}, took longer to answer. “{quote},” {p2s} said.",
    "“{quote},” said {p2}, {role2}.", "There is another view. {P2}, {role2}, said: “{quote}.”");

static const struct list attributions2 =
    LIST("“{quote},” {p2s} said.", "{P2s} sees it differently. “{quote},” {p2s} said.",
         "“{quote},” said {p2s}.", "To that {p2s} replied: “{quote}.”");

/* Background, for plans and for events. */
static const struct list plan_contexts = LIST(
    "{Town} and {town2} have worked together on such matters since the winter of {last}.",
    "The story began in a back room on {street}, where {20-60} people met one evening in {past}.",
    "A similar attempt in {town2} took {3-9} years and is now held up as an example.",
    "On {street}, where the subject comes up daily, opinions range from delight to a shrug.",
    "Older residents of {town} remember an earlier attempt, which ended quietly after two years.",
    "Records in the town archive show that the idea goes back {30-120} years.",
    "A public meeting on {street} drew {60-400} people, and some had to stand outside.",
    "It has been the main subject of conversation in {town} since {past}.",
    "A survey of {300-1900} people in {town} found {52-74} per cent in favour and {11-20} per cent "
    "undecided.",
    "Several other towns along the Arle have asked for the details.",
    "Those who know the valley say that such things take their time here.",
    "Much of the groundwork was done by volunteers, most of them from {town} itself.");

static const struct list event_contexts = LIST(
    "In {town2}, {8-40} kilometres down the valley, the news was followed with some envy.",
    "The weekly paper in {town} gave it {2-5} pages, more than any other story of the season.",
    "It has been the main subject of conversation in {town} since {past}.",
    "For {town}, a place that rarely makes headlines, the attention is unusual.",
    "Those who know the valley say that such things take their time here.",
    "It all goes back to an evening in {past}, when {20-60} people met in a back room on {street}.",
    "Older residents of {town} say that they cannot remember anything like it.",
    "On {street} there was talk of little else.",
    "A school class from {town2} had come with drawings, which now hang in a window on {street}.",
    "Much of the work behind it was done by volunteers, most of them from {town} itself.");

/* Only for a corpus: its tags fit into a sentence. */
static const struct list tag_lines =
    LIST("The debate touches on {tag}, which has divided {town} for years.",
         "Experts on {tag} from {town2} were invited to comment and will report in {month}.",
         "A working group on {tag} met {3-14} times between {last} and {year}.",
         "What it means for {tag} is less clear, and the documents devote only {2-9} pages to it.",
         "Those who follow {tag} closely had seen it coming.",
         "Spending on {tag} in {town} has grown by {4-38} per cent since {last}.",
         "In {town2}, a report on {tag} had come to much the same result.",
         "{12-70} questions from the public concerned {tag}, more than any other point.",
         "An earlier article on {tag} brought {40-300} letters to this newspaper.",
         "The link with {tag} was made first by readers on {street}.",
         "Figures on {tag} are published every {month}; the latest surprised even the authors.",
         "For {tag}, the coming year will be decisive, according to people in {town}.");

static const struct list year_counts = LIST("three", "four", "five", "six");

static const struct list weekdays = LIST("Monday", "Tuesday", "Wednesday", "Thursday", "Friday");

static const struct list months =
    LIST("January", "February", "March", "April", "May", "June", "July", "August", "September",
         "October", "November", "December");

/* ---- City ---- */

static const struct subject city_subjects[] = {
    {"tram extension", LIST("public transport", "trams", "construction")},
    {"night bus network", LIST("public transport", "buses", "nightlife")},
    {"market hall renovation", LIST("markets", "conservation", "construction")},
    {"cycle bridge", LIST("cycling", "bridges", "construction")},
    {"harbour promenade", LIST("harbour", "parks", "construction")},
    {"gasworks housing scheme", LIST("housing", "rents", "construction")},
    {"parking reform", LIST("parking", "traffic", "city centre")},
    {"street lighting programme", LIST("street lighting", "energy saving", "city centre")},
    {"ferry timetable", LIST("ferries", "public transport", "harbour")},
    {"town hall restoration", LIST("conservation", "city council", "architecture")},
    {"car-free Sunday", LIST("traffic", "cycling", "city council")},
};

/* ---- Business ---- */

static const struct subject business_subjects[] = {
    {"shipyard apprenticeship programme", LIST("apprenticeships", "shipbuilding", "skills")},
    {"cooperative brewery", LIST("cooperatives", "food industry", "small business")},
    {"wool mill revival", LIST("textiles", "small business", "manufacturing")},
    {"fish auction hall", LIST("fishing", "food industry", "harbour economy")},
    {"repair workshop chain", LIST("small business", "circular economy", "skills")},
    {"timber export terminal", LIST("timber", "exports", "harbour economy")},
    {"farm credit union", LIST("banking", "farming", "cooperatives")},
    {"office conversion fund", LIST("property", "banking", "city economy")},
    {"bicycle factory", LIST("manufacturing", "exports", "apprenticeships")},
    {"cheese makers’ guild", LIST("farming", "food industry", "cooperatives")},
};

/* ---- Science ---- */

static const struct subject science_subjects[] = {
    {"kelp forest survey", LIST("marine biology", "climate", "fieldwork")},
    {"seabed mapping project", LIST("oceanography", "mapping", "instruments")},
    {"meteorite recovery", LIST("astronomy", "geology", "fieldwork")},
    {"peat core study", LIST("climate", "geology", "archaeology")},
    {"bat migration project", LIST("zoology", "fieldwork", "instruments")},
    {"Bronze Age harbour dig", LIST("archaeology", "fieldwork", "coast")},
    {"battery recycling experiment", LIST("chemistry", "materials", "energy research")},
    {"valley telescope", LIST("astronomy", "instruments", "public science")},
    {"soil bacteria catalogue", LIST("microbiology", "genetics", "public science")},
    {"tidal energy trial", LIST("energy research", "oceanography", "materials")},
};

/* ---- Health ---- */

static const struct subject health_subjects[] = {
    {"night clinic", LIST("clinics", "primary care", "staffing")},
    {"midwife programme", LIST("maternity care", "staffing", "primary care")},
    {"hospital wing", LIST("hospitals", "surgery", "staffing")},
    {"flu vaccination round", LIST("vaccination", "prevention", "primary care")},
    {"mobile dental unit", LIST("dental care", "clinics", "prevention")},
    {"sleep study", LIST("sleep", "medical research", "prevention")},
    {"walking on prescription scheme", LIST("exercise", "prevention", "mental health")},
    {"crisis telephone line", LIST("mental health", "helplines", "staffing")},
    {"ambulance station", LIST("ambulances", "emergency care", "hospitals")},
    {"hearing loss register", LIST("hearing", "medical research", "clinics")},
};

/* ---- Culture ---- */

static const struct subject culture_subjects[] = {
    {"open-air opera", LIST("opera", "music", "summer season")},
    {"photography biennale", LIST("photography", "exhibitions", "museums")},
    {"children’s book fair", LIST("books", "reading", "publishing")},
    {"lighthouse museum", LIST("museums", "maritime history", "exhibitions")},
    {"dialect theatre season", LIST("theatre", "languages", "stage")},
    {"silent film week", LIST("cinema", "film history", "music")},
    {"brass band archive", LIST("music", "archives", "maritime history")},
    {"ceramics retrospective", LIST("crafts", "exhibitions", "sculpture")},
    {"poetry marathon", LIST("poetry", "books", "stage")},
    {"jazz cellar reopening", LIST("jazz", "music", "clubs")},
};

/* ---- Sport ---- */

static const struct subject sport_subjects[] = {
    {"valley handball cup", LIST("handball", "cup finals", "clubs and leagues")},
    {"harbour half marathon", LIST("running", "athletics", "amateur sport")},
    {"inter-city regatta", LIST("rowing", "water sports", "amateur sport")},
    {"women’s football cup", LIST("football", "women’s sport", "cup finals")},
    {"hill-climb cycle race", LIST("road cycling", "endurance", "amateur sport")},
    {"open-water championship", LIST("swimming", "water sports", "endurance")},
    {"wheelchair basketball final", LIST("basketball", "para sport", "cup finals")},
    {"youth athletics meeting", LIST("athletics", "youth sport", "running")},
    {"regional chess league", LIST("chess", "clubs and leagues", "youth sport")},
    {"lake ice hockey derby", LIST("ice hockey", "clubs and leagues", "winter sport")},
};

/* ---- Environment ---- */

static const struct subject environment_subjects[] = {
    {"peat bog restoration", LIST("wetlands", "peat", "climate adaptation")},
    {"flood barrier", LIST("floods", "climate adaptation", "engineering")},
    {"beaver reintroduction", LIST("wildlife", "rivers", "rewilding")},
    {"seagrass nursery", LIST("coastline", "marine life", "rewilding")},
    {"wild meadow programme", LIST("insects", "biodiversity", "green spaces")},
    {"river clean-up", LIST("rivers", "water quality", "waste")},
    {"rooftop solar scheme", LIST("solar power", "renewable energy", "buildings")},
    {"food waste collection", LIST("waste", "composting", "recycling")},
    {"salt marsh path", LIST("wetlands", "birds", "coastline")},
    {"hedgerow census", LIST("biodiversity", "birds", "land use")},
};

/* ---- Education ---- */

static const struct subject education_subjects[] = {
    {"school meals scheme", LIST("school meals", "primary schools", "nutrition")},
    {"forest kindergarten", LIST("early years", "outdoor learning", "teachers")},
    {"evening college", LIST("adult learning", "colleges", "qualifications")},
    {"reading mentors project", LIST("literacy", "primary schools", "mentoring")},
    {"mathematics summer school", LIST("mathematics", "summer schools", "secondary schools")},
    {"school bus route", LIST("school transport", "village schools", "primary schools")},
    {"sign language course", LIST("languages at school", "inclusion", "adult learning")},
    {"student housing plan", LIST("students", "universities", "campus life")},
    {"village school reopening", LIST("village schools", "teachers", "early years")},
    {"workshop for young engineers",
     LIST("engineering education", "secondary schools", "mentoring")},
};

#define SUBJECTS(array) .subjects = array, .nsubjects = sizeof(array) / sizeof(array[0])

static const struct section_words section_words[] = {
    {
        .section = "City",
        SUBJECTS(city_subjects),
        .contexts = &plan_contexts,
        .bodies =
            LIST("{town} City Council", "the {town} planning board", "the {town} works committee"),
        .roles1 = LIST("who chairs the planning committee", "the council’s chief engineer",
                       "deputy mayor of {town}", "who has led the project since {last}"),
        .roles2 =
            LIST("who runs a bakery on {street}", "of the residents’ association",
                 "a retired surveyor from {street}", "who sits on the council for the opposition"),
        .titles = LIST(
            "{Town} backs {topic} after a long debate", "{Topic} in {town} moves a step closer",
            "{Town} residents split over {topic}", "What the {topic} will change in {town}",
            "{Town} sets aside {money} for {topic}", "First look at the {town} {topic}",
            "{Town} learns from {town2} as {topic} takes shape",
            "Work on {topic} in {town} to begin in {month}"),
        .summaries = LIST(
            "{Body} has voted for {thing}. It is to cost {money} and to be finished in {next}.",
            "After a year of argument {town} has settled the plans for {thing}. Some neighbours "
            "want changes.",
            "Work on {thing} in {town} can begin. What was decided, what it costs and what "
            "neighbours say.",
            "{Town} looks at how {town2} did it and goes ahead with {thing}, at a cost of "
            "{money}."),
        .ledes = LIST("{Body} voted {20-31} to {4-15} on {day} to go ahead with {thing}, at a cost "
                      "of {money}.",
                      "After months of hearings, {thing} in {town} has been given the green light.",
                      "{Town} will go ahead with {thing}, {body} announced on {day}.",
                      "The plans for {thing} in {town} were made public on {day}, and by noon "
                      "there was a queue to see them."),
        .facts = LIST(
            "The first phase covers {2-9} streets around {street} and is due to be finished in "
            "{next}.",
            "The budget of {money} includes a reserve of {5-15} per cent for delays.",
            "{12-64} written objections had been received; most of them concerned noise during the "
            "works.",
            "Shops on {street} are to be reachable throughout, and deliveries will be allowed "
            "before ten in the morning.",
            "The plans had been changed {2-5} times, the last time after a site visit in {past}.",
            "A model of {thing} can be seen in the foyer of the town hall until the end of "
            "{month}.",
            "Traffic will be led over {street} for about {5-20} weeks.",
            "The contract was divided into {3-8} lots so that firms from the valley could bid.",
            "{Town2}, which finished a comparable project in {last}, had offered advice on "
            "drainage and paving.",
            "Trees that have to go are to be replaced two for one, the council said.",
            "The engineers had examined {3-7} variants and rejected the cheapest because of the "
            "ground.",
            "Step-free access was added after {2-9} local groups had asked for it."),
        .praise = LIST("We have talked about {thing} for long enough, and now people will see "
                       "something happen",
                       "This is a modest plan, and that is its strength",
                       "Nobody will miss what was there before, and I say that with affection",
                       "If you want people to come into town, give them a reason",
                       "We listened, we changed the drawings, and the result is better for it",
                       "It will be a nuisance for a summer and useful for fifty years"),
        .doubts = LIST(
            "I have nothing against {thing}, but nobody has told us where the vans are to stop",
            "The figures were drawn up before prices rose, and everyone in the room knew it",
            "We were asked what we thought when everything was already decided",
            "A good idea in the wrong place is still in the wrong place",
            "I will believe the date when I see the diggers"),
        .outlook = LIST("The works are to begin in {month} and will be reviewed after a year.",
                        "The next public meeting on {thing} is planned for {month}.",
                        "A final report goes to {body} in {next}.",
                        "Until then the drawings can be seen at the town hall on {street}."),
    },
    {
        .section = "Business",
        SUBJECTS(business_subjects),
        .contexts = &plan_contexts,
        .bodies = LIST("the {town} chamber of trade", "the Arle Valley development bank",
                       "the {town} enterprise office"),
        .roles1 = LIST("who manages the project", "the founder and first employee",
                       "head of the {town} enterprise office", "who keeps the books"),
        .roles2 = LIST("an economist in {town2}", "who owns a workshop on {street}",
                       "a lender who decided not to invest", "of the {town} trade union council"),
        .titles = LIST(
            "{Town} pins hopes on {topic}", "How the {topic} brought work back to {street}",
            "{Topic} in {town} finds {money}", "{Topic} outgrows its home in {town}",
            "Orders rise at the {town} {topic}", "{Town2} joins the {topic} that {town} began",
            "A good year for the {town} {topic}", "{Topic}: small margins, long queues in {town}"),
        .summaries =
            LIST("With {money} and {staff} jobs, {thing} in {town} enters its second year. Not all "
                 "lenders are convinced.",
                 "What began as an experiment now employs {staff} people. {Thing} looks for larger "
                 "rooms.",
                 "{Body} supports {thing} with {money}. Suppliers in {town2} hope for orders.",
                 "Rising costs, full order books: the people behind {thing} in {town} explain how "
                 "they get by."),
        .ledes = LIST("A year after it began with {3-9} people on {street}, {thing} in {town} has "
                      "{staff} on its payroll.",
                      "{Body} said on {day} that it would support {thing} with {money}.",
                      "Orders for {thing} in {town} have risen by {8-40} per cent since {last}, "
                      "figures published on {day} show.",
                      "When {thing} opened in {town}, few gave it two winters; on {day} it "
                      "reported its first profit."),
        .facts = LIST(
            "Turnover reached {money} in {last}, of which about {20-60} per cent came from outside "
            "the valley.",
            "Wages are {3-12} per cent above what is usual in the region.",
            "{4-18} suppliers from {town2} and the villages around it deliver every week.",
            "The building on {street} had stood empty for {5-20} years before.",
            "Members can buy a share for {50-200} crowns and have one vote each, however many "
            "shares they hold.",
            "Energy costs have doubled since {last}, which ate up most of the gain.",
            "{Body} had set one condition: at least {5-12} training places a year.",
            "The lease runs for {8-25} years, with an option on the yard behind it.",
            "About {10-45} per cent of the goods leave {town} by rail.",
            "Two larger competitors have shown interest; both were turned away.",
            "The order book is full until {month}, and customers wait {4-16} weeks.",
            "Of those hired this year, {5-15} had been out of work for more than twelve months."),
        .praise =
            LIST("We grew slowly because we had no choice, and it turned out to be the right speed",
                 "People here know how to make things; they only needed a roof and a customer",
                 "Every crown that we earn is spent within thirty kilometres",
                 "We answer the telephone ourselves, and customers notice",
                 "The first winter was hard, the second was merely cold",
                 "Nobody is getting rich, but everybody is getting paid"),
        .doubts = LIST("One large order cancelled, and the sums look quite different",
                       "Subsidies are a bridge, and at some point one has to reach the other bank",
                       "I admire it, but I would not lend it my pension",
                       "The region needs ten of these, and it has one",
                       "Good wages are only good as long as they come every month"),
        .outlook = LIST("A decision on a second site is expected in {month}.",
                        "The accounts for {year} are to be published in {month}.",
                        "Applications for next year’s training places are open until {month}.",
                        "By the end of {next} the loan is to be paid back."),
    },
    {
        .section = "Science",
        SUBJECTS(science_subjects),
        .contexts = &event_contexts,
        .bodies = LIST("the University of {town}", "the Arle Institute in {town}",
                       "the {town} marine station"),
        .roles1 = LIST("who leads the project", "a geologist at the Arle Institute",
                       "a research fellow in {town}", "who built the instruments"),
        .roles2 =
            LIST("of the University of {town2}, who was not involved", "a statistician in {town2}",
                 "who reviewed the work for a journal", "who works on a rival project"),
        .titles =
            LIST("What the {topic} has found so far", "{Topic} surprises researchers in {town}",
                 "{Town} scientists publish first results of {topic}",
                 "A night out with the {topic}", "{Topic}: the data that nobody expected",
                 "{Town} {topic} wins {money} for three more years",
                 "Volunteers wanted for {topic} near {town}",
                 "{Town} and {town2} share data of {topic}"),
        .summaries =
            LIST("First results of {thing} near {town} differ from what was predicted. Others urge "
                 "caution.",
                 "For {years} years {staff} volunteers have helped with {thing}. Now the data have "
                 "been published.",
                 "{Body} has found {money} to continue {thing}. What the team hopes to learn.",
                 "Mud, patience and {samples} samples: how {thing} near {town} works, and what it "
                 "has shown so far."),
        .ledes =
            LIST("After {years} years of measurements, researchers in {town} presented the first "
                 "results of {thing} on {day}.",
                 "{Body} has published the data of {thing}, and they do not look as expected.",
                 "{Thing} near {town} will continue for three more years, {body} said on {day}.",
                 "It was raining sideways when the team of {thing} set out from {town} at four in "
                 "the morning."),
        .facts = LIST(
            "The team collected {samples} samples at {sites} sites between {town} and {town2}.",
            "In {60-90} per cent of the cases the new values lie above those of {last}.",
            "The instruments were built in a workshop on {street} and cost a tenth of what is sold "
            "for the purpose.",
            "All data are free for anyone to use; {8-40} groups have asked for them already.",
            "Each sample is analysed twice, by people who do not know where it comes from.",
            "An error in the calibration, found in {past}, meant that {3-9} weeks of work had to "
            "be repeated.",
            "The effect is small, about {2-8} per cent, but it appears at every site.",
            "Boats from {town2} took the team out on {30-90} days without charging for the fuel.",
            "The article names {9-30} authors, {2-6} of them students.",
            "The measurements reach back {40-180} years if old harbour records are included.",
            "{Body} pays for the work with {money}, spread over three years.",
            "A second group in {town2} is now trying to repeat the result with other methods."),
        .praise =
            LIST("We did not believe the first numbers either, so we went out and measured again",
                 "The best instrument that we have is a volunteer with a notebook",
                 "It is slow work, and that is precisely why nobody had done it",
                 "You learn more from the site that does not fit than from all that do",
                 "We know a little more than last year, which is a good year",
                 "The valley is a laboratory, only with more weather"),
        .doubts = LIST("Interesting, yes, but {sites} sites are not many for so large a claim",
                       "I would like to see a second winter of data before changing the textbooks",
                       "The method is sound; what it means is another matter",
                       "There is a simpler explanation, and they should rule it out first",
                       "Correlation is easy to find along a river"),
        .outlook = LIST("The next measurements are planned for {month}.",
                        "A second article on {thing} is to appear in {next}.",
                        "A public talk on {thing} will be held on {street} in {month}.",
                        "Whoever wants to help can sign up in {town} until {month}."),
    },
    {
        .section = "Health",
        SUBJECTS(health_subjects),
        .contexts = &plan_contexts,
        .bodies =
            LIST("the {town} health board", "{town} General Hospital", "the valley health service"),
        .roles1 = LIST("a nurse who has been there from the start", "medical director in {town}",
                       "a general practitioner on {street}", "who coordinates the work"),
        .roles2 = LIST("of the patients’ council", "a doctor in {town2}",
                       "who speaks for the nurses’ union", "a health economist in {town2}"),
        .titles = LIST("{Town} opens {topic} to everyone", "A year of the {town} {topic}",
                       "{Topic} in {town} shortens the wait", "{Topic} short of staff in {town}",
                       "What the {topic} means for patients in {town}",
                       "{Town2} to copy {topic} from {town}", "{Town} health board extends {topic}",
                       "Behind the scenes of {town}’s {topic}"),
        .summaries = LIST("{Thing} in {town} has helped {crowd} people in its first year. Staff "
                          "are still hard to find.",
                          "{Body} extends {thing} until the end of {next}. The nurses’ union asks "
                          "for more posts.",
                          "Who may come, what it costs and how long it takes: answers to questions "
                          "on {thing} in {town}.",
                          "With {money} more, {thing} in {town} can go on. Doctors in {town2} "
                          "think about a similar step."),
        .ledes = LIST(
            "{Thing} in {town} has been used by {crowd} people in its first year, {body} said on "
            "{day}.",
            "{Body} will extend {thing} until the end of {next}, it said on {day}.",
            "Since {thing} began in {town}, people wait {2-6} days instead of {3-9} weeks.",
            "There were already {8-30} people at the door on {day} when {thing} opened in {town}."),
        .facts = LIST(
            "About {20-45} per cent of those who came were from outside {town}.",
            "No referral is needed, and the first visit is free of charge.",
            "{6-24} people work in two shifts; {2-5} posts are vacant.",
            "The board had expected {300-800} people in the first year and had to reprint its "
            "forms in {past}.",
            "It costs {money} a year, a little less than planned.",
            "Interpreters for {5-14} languages can be called by telephone.",
            "The average visit takes {15-40} minutes, longer than elsewhere, and that is intended.",
            "In a survey {78-95} per cent said that they would come again.",
            "The rooms on {street} are reached without steps, and a bus stops at the door.",
            "Emergencies are still seen at the hospital, at any hour.",
            "Records are kept on paper for the time being; a shared system with {town2} is to "
            "follow in {next}.",
            "An evaluation by independent researchers is under way and covers {400-1500} "
            "patients."),
        .praise = LIST("People come earlier now, and that alone makes our work easier",
                       "We have time to listen, which is the cheapest medicine there is",
                       "The first patient brought a cake on the anniversary",
                       "You cannot treat a timetable, you can only treat a person",
                       "It works because the people on the desk know the people who come",
                       "Nobody should have to take a day off to be told that all is well"),
        .doubts = LIST("It is a good thing that hangs on very few people, and they get tired",
                       "Those who need it most still do not come",
                       "What is spent here is missing in the villages",
                       "A pilot that is extended three times is not a pilot, it is a habit",
                       "Satisfied patients are a fine thing, but I want to see the results"),
        .outlook = LIST("The results of the evaluation are expected in {month}.",
                        "From {month} appointments can also be made by telephone.",
                        "{Body} will decide on permanent funds in {next}.",
                        "Until the end of {month} nobody needs an appointment."),
    },
    {
        .section = "Culture",
        SUBJECTS(culture_subjects),
        .contexts = &event_contexts,
        .bodies = LIST("the {town} arts trust", "the {town} municipal theatre",
                       "the {town} museum society"),
        .roles1 = LIST("who directs it for the third time", "curator in {town}",
                       "who had the idea in {last}", "of the {town} arts trust"),
        .roles2 = LIST("a critic from {town2}", "who teaches at the {town2} academy",
                       "a neighbour on {street}", "who left the committee in {past}"),
        .titles = LIST(
            "{Topic} fills {town} for a week", "{Town} celebrates its {topic}",
            "{Topic}: five things not to miss in {town}", "Quiet triumph of the {town} {topic}",
            "{Topic} returns to {street}", "{Town2} artists at the {town} {topic}",
            "{Topic} in {town}: an evening of small wonders", "{Town} {topic} to stay after all"),
        .summaries = LIST("{Thing} in {town} sold out within {2-9} days. What there is to see, and "
                          "what to leave for another year.",
                          "{Body} brings {thing} back to {street}, with {artists} artists from the "
                          "valley and beyond.",
                          "Money was short and the roof leaked, yet {thing} in {town} opened on "
                          "time. A first visit.",
                          "A report from {thing} in {town}, where {crowd} visitors came in the "
                          "first week alone."),
        .ledes = LIST(
            "The last chairs were still being carried in when {thing} opened in {town} on {day}.",
            "{Thing} has returned to {town}, and {street} is full until midnight.",
            "{crowd} people came to {thing} in {town} in the first week, {body} said on {day}.",
            "There is a moment at {thing} in {town} when the whole room forgets to cough."),
        .facts = LIST(
            "{artists} artists take part, more than half of them from the valley.",
            "Tickets cost {8-24} crowns, and those under eighteen pay half.",
            "The programme fills {24-60} pages and was printed on {street}.",
            "{Body} bears the cost of {money}, with help from {2-6} foundations.",
            "The rooms had been closed since {last} because of damp.",
            "One evening is given entirely to beginners, some of them over seventy.",
            "Texts are shown in {2-4} languages, and two evenings are interpreted in sign "
            "language.",
            "The oldest piece is {80-300} years old; the newest was finished in {past}.",
            "Rehearsals took {6-20} weeks, most of them without heating.",
            "A workshop for schools is booked out until {month}.",
            "The light comes from {town2}, where a retired electrician lends out his collection.",
            "On {day} the doors stay open until midnight."),
        .praise = LIST("We wanted something that people argue about on the way home",
                       "Half the audience had never been in this room, and that was the point",
                       "The roof leaks in two places, and we have composed around it",
                       "You should be able to come as you are, straight from work",
                       "It is not perfect, but it is alive",
                       "A small town can do large things if nobody tells it otherwise"),
        .doubts = LIST("The first half is a marvel, and the second half is long",
                       "It plays too safe for my taste, although it does so beautifully",
                       "One can love it and still want to sleep at eleven",
                       "There is too much of everything, and too little time to look",
                       "I left moved and slightly cold"),
        .outlook =
            LIST("{Thing} can be seen until the end of {month}.",
                 "Tickets for the last week go on sale on {day}.",
                 "In {next} it moves on to {town2}.", "A catalogue is to appear in {month}."),
    },
    {
        .section = "Sport",
        SUBJECTS(sport_subjects),
        .contexts = &event_contexts,
        .bodies = LIST("the Arle Valley sports association", "the {town} athletic club",
                       "the organising committee in {town}"),
        .roles1 = LIST("coach of the {town} team", "who captains the {town} side",
                       "who won it in {last}", "head of the organising committee"),
        .roles2 = LIST("coach of the {town2} team", "a former champion from {town2}",
                       "who has reported on the sport for thirty years", "who came second"),
        .titles =
            LIST("{Town} take the honours in {topic}", "Late drama decides {topic} in {town}",
                 "Record crowd at {topic} in {town}", "{Town} and {town2} meet again in {topic}",
                 "{Topic}: how {town} turned it round", "{Town2} fall short at the {town} {topic}",
                 "A first title for {town} in {topic}", "Rain cannot stop the {town} {topic}"),
        .summaries = LIST("{Town} won {thing} ahead of {town2} before {crowd} spectators. It was "
                          "decided in the last minutes.",
                          "For the first time since {last} {thing} goes to {town}. {Town2} lost "
                          "after a strong start.",
                          "Rain, wind and a record crowd: {thing} in {town} had everything, and a "
                          "winner whom few had named.",
                          "{Town} and {town2} shared the lead for most of the day. How {thing} was "
                          "won, and what was said."),
        .ledes =
            LIST("{Town} won {thing} on {day}, ahead of {town2}, in front of {crowd} spectators.",
                 "For an hour it looked like a day for {town2}; then {town} turned {thing} round.",
                 "The flags were out in {town} on {day}: for the first time since {last}, {thing} "
                 "stayed at home.",
                 "{Thing} in {town} was decided in the last minutes, in pouring rain."),
        .facts = LIST(
            "{Town2} had led at half-way and seemed to have strength left.",
            "{12-60} teams and clubs had entered, more than ever before.",
            "The wind, which turned in the afternoon, cost the favourites valuable time.",
            "{Town} had to do without {2-4} injured regulars.",
            "The two towns had met {4-19} times before, and never had it been so close.",
            "The youngest in the field was {14-17}, the oldest {58-74}.",
            "{helpers} helpers in yellow jackets kept the course free.",
            "The winners receive {300-900} crowns and a wheel of cheese, as tradition demands.",
            "Trains from {town2} ran twice as often as usual.",
            "A protest by {town2} was heard on {street} the same evening and turned down.",
            "Training had been moved to {town2} for {3-8} weeks because the hall was flooded.",
            "{Body} counted {crowd} spectators, a third more than in {last}."),
        .praise =
            LIST("We were tired and we were behind, and then somebody in the crowd began to sing",
                 "I told them to stop looking at the clock",
                 "This belongs to the people who wash the shirts",
                 "We trained in the dark for this, quite literally",
                 "Nobody won it alone, and nobody would have lost it alone",
                 "I have dreamt of it since I was nine"),
        .doubts = LIST("We gave it away in ten minutes, and we know which ten",
                       "The better team won today, and I would like another today next week",
                       "You cannot leave the door open and complain about the draught",
                       "There is no excuse, except perhaps the wind",
                       "We shall be back, and we shall be in better shoes"),
        .outlook = LIST("The return meeting is to be held in {town2} in {month}.",
                        "The season ends in {month}; {town} has {2-6} more fixtures.",
                        "Entries for {next} open in {month}.",
                        "The team will be received at the town hall in {town} on {day}."),
    },
    {
        .section = "Environment",
        SUBJECTS(environment_subjects),
        .contexts = &plan_contexts,
        .bodies = LIST("the Arle river authority", "the {town} environment office",
                       "the {town} nature trust"),
        .roles1 = LIST("a ranger in {town}", "who directs the work",
                       "an ecologist at the river authority", "who planned it from the beginning"),
        .roles2 = LIST("a farmer near {town2}", "of the anglers’ club",
                       "who owns land along the Arle", "a councillor in {town2}"),
        .titles = LIST(
            "{Topic} near {town} shows first results", "{Town} keeps faith with its {topic}",
            "Farmers and rangers agree on {topic} near {town}",
            "{Topic}: a second chance for the valley",
            "Why {town} is spending {money} on its {topic}", "{Town2} watches the {town} {topic}",
            "{Topic} in {town}: the numbers after two years",
            "Volunteers carry the {town} {topic}"),
        .summaries = LIST("Two years after it began, {thing} near {town} shows results that can be "
                          "counted. Not all are pleased.",
                          "{Body} puts {money} into {thing}. Farmers near {town2} were sceptical, "
                          "and some still are.",
                          "{helpers} volunteers have worked on {thing} near {town}. A walk along "
                          "the Arle, with boots.",
                          "What {thing} near {town} has changed so far, what it has cost, and what "
                          "the river may do next."),
        .ledes = LIST(
            "Two years after the start, {thing} near {town} shows results, {body} said on {day}.",
            "On {day} {helpers} volunteers in rubber boots turned out near {town} to help with "
            "{thing}.",
            "{Body} will spend {money} on {thing} near {town}, it announced on {day}.",
            "The water stood {20-90} centimetres above normal on {day}, and for {thing} near "
            "{town} it was the first real test."),
        .facts = LIST(
            "It covers {20-400} hectares on both banks of the Arle, from {town} almost to {town2}.",
            "{14-70} species were counted in {past}, against {6-13} before the work began.",
            "Landowners receive {120-400} crowns a hectare and year in return.",
            "After heavy rain the water now takes {6-30} hours longer to reach {town2}.",
            "The material came by barge, which spared {town} some {300-900} lorry journeys.",
            "{Body} checks the water at {4-16} points every week and publishes the values.",
            "A path of {2-9} kilometres was laid so that people see what their money does.",
            "The cost of {money} is shared by {3-7} towns along the river.",
            "About {5-20} per cent of the planting did not survive the first summer.",
            "Cattle are kept away between May and the first frost.",
            "Schools in {town} have adopted {6-20} sections and report what they find.",
            "Insurers lowered their premiums for {200-900} houses, the first time in a decade."),
        .praise = LIST("The river has a long memory, and we are learning to respect it",
                       "You do not have to love frogs to like a dry cellar",
                       "We stopped doing three stupid things, and the rest happened by itself",
                       "Come back in ten years, and you will not see that we were here",
                       "It is cheaper than a wall, and prettier",
                       "Every spring we count, and every spring we argue about how to count"),
        .doubts = LIST("My grandfather drained that field, and now I am paid to undo his work",
                       "Nobody has asked who looks after it once the grants have ended",
                       "A dry year will tell us more than two wet ones",
                       "I can live with it, but I was told something else at the start",
                       "The map looks fine, the mud is where my cows used to stand"),
        .outlook = LIST("The next count is planned for {month}.",
                        "In {next} the work is to be extended to {town2}.",
                        "Guided walks start on {street} every first Sunday until {month}.",
                        "{Body} will present its figures in {month}."),
    },
    {
        .section = "Education",
        SUBJECTS(education_subjects),
        .contexts = &plan_contexts,
        .bodies = LIST("the {town} school board", "the {town} education office", "{town} College"),
        .roles1 = LIST("head teacher on {street}", "who teaches there two days a week",
                       "who has organised it since {last}", "of the {town} education office"),
        .roles2 = LIST("who speaks for the parents’ council", "a teacher in {town2}",
                       "a school inspector from {town2}", "of the teachers’ union"),
        .titles = LIST(
            "{Topic} in {town} enters its second year", "{Town} makes room for {topic}",
            "Parents in {town} rally behind {topic}", "What {town} learnt from its {topic}",
            "{Topic}: {town} looks for teachers", "{Town2} sends pupils to the {town} {topic}",
            "{Town} school board doubles funds for {topic}", "A morning at the {town} {topic}"),
        .summaries = LIST("{Thing} in {town} goes on for another year, with {money} from the "
                          "board. Teachers ask for more staff.",
                          "{pupils} pupils take part in {thing} in {town}. A morning among them, "
                          "and what teachers say.",
                          "{Body} has settled the future of {thing}. What changes after the "
                          "holidays, and for whom.",
                          "Small groups, long waiting lists: why {thing} in {town} works, and why "
                          "{town2} hesitates."),
        .ledes = LIST(
            "{Thing} in {town} will continue for another year, {body} decided on {day}.",
            "{pupils} pupils have signed up for {thing} in {town}, twice as many as there are "
            "places.",
            "It is a quarter to eight on {street}, and {thing} in {town} is already in full swing.",
            "{Body} presented the results of {thing} on {day}, and even the sceptics listened."),
        .facts = LIST("There are {12-28} pupils to a group, and {2-4} adults.",
                      "It costs {money} a year, of which parents pay about a third.",
                      "{8-40} families are on the waiting list.",
                      "The rooms on {street} were painted by parents over two weekends in {past}.",
                      "Marks improved by {4-15} per cent in a year, although the sample is small.",
                      "The day begins at a quarter past eight and ends with a hot meal.",
                      "{3-12} retired teachers help without pay.",
                      "Attendance rose to {93-98} per cent, the best figure in the valley.",
                      "Materials in {3-8} languages are lent out by the library.",
                      "{Body} had wanted to end it in {last} and changed its mind after {600-2500} "
                      "signatures.",
                      "Pupils from {town2} travel up to {25-55} minutes each way.",
                      "A study by the University of {town2} will follow {150-500} of the children "
                      "until {next}."),
        .praise = LIST("They ask better questions than last year, and more of them",
                       "Children notice at once whether you are pleased to see them",
                       "It is not magic; it is smaller groups and breakfast",
                       "The quiet ones have begun to speak, and now we cannot stop them",
                       "We measure what we can, and the rest you hear in the corridor",
                       "I wish that I had gone to school here"),
        .doubts = LIST("It depends on {3-6} people, and one of them retires in summer",
                       "What works with twenty children need not work with two hundred",
                       "We should first mend the roofs of the schools that we have",
                       "I like it, but I have never seen the figures on one page",
                       "Good will is not a staffing plan"),
        .outlook = LIST("Places for {next} are given out in {month}.",
                        "{Body} wants to hear parents again in {month}.",
                        "An open day is planned for {month}.",
                        "After the holidays a second group starts on {street}."),
    },
};

#define NSECTION_WORDS (sizeof(section_words) / sizeof(section_words[0]))

#endif
