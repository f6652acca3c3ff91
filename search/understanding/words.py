"""The words of talk, as tables: what asks, what negates, what says too little to search for."""

from __future__ import annotations

STOP_WORDS = frozenset(
    {"a", "about", "above", "across", "after", "again", "all", "almost", "alone", "along",
     "already", "also", "although", "am", "among", "an", "and", "another", "any", "anybody",
     "anyone", "anything", "are", "aren't", "around", "as", "at", "be", "because", "been",
     "before", "behind", "being", "below", "beside", "besides", "between",
     "but", "by", "can", "can't", "cannot", "could",
     "did", "do", "does", "doesn't", "doing", "don't", "down", "during", "each", "either",
     "else", "etc", "ever", "every", "everything", "except", "excepting", "exclude",
     "excludes", "excluding", "few", "for", "from", "had", "has", "have", "having", "he",
     "her", "here", "hers", "him", "his", "how", "i", "i'd", "i'll", "i'm", "i've", "if",
     "in", "including", "instead", "into", "is", "isn't", "it", "it's", "its", "itself",
     "just", "least", "less", "let", "let's", "lot", "lots", "many", "maybe", "me", "more",
     "most", "much", "must", "my", "near", "no", "nor", "not", "nothing", "now", "of", "off",
     "ok", "okay", "on", "once", "one", "ones", "only", "onto", "or", "other", "others",
     "our", "out", "over", "own", "per", "perhaps", "quite", "rather", "really", "same",
     "several", "shall", "she", "should", "since", "so", "some", "somebody", "someone",
     "something", "still", "such", "than", "that", "that's", "the", "their", "them", "then",
     "there", "there's", "these", "they", "thing", "things", "this", "those", "though",
     "through", "thus", "to", "together", "too", "toward", "towards", "under", "until",
     "unto", "up", "upon", "very", "via", "was", "we", "well", "were", "what", "what's",
     "when", "where", "whether", "which", "while", "who", "whom", "whose", "why", "will",
     "with", "within", "without", "would", "yes", "yet", "you", "your"}
)  # fmt: skip

ASKING_WORDS = frozenset(
    {"accept", "actual", "alongside", "appreciate", "appreciated", "article", "ask", "asked",
     "attach", "available", "book", "brilliant", "bring", "case", "cases", "certainly", "chance",
     "chapter", "collection", "come", "comes", "concerning", "contain", "containing", "contains",
     "corpus", "database", "dataset", "definitely", "demonstrate", "demonstrates",
     "demonstrating", "depict", "depicting", "depicts", "different", "display", "displaying",
     "done", "else's", "enough", "evidence", "example", "examples", "feature", "features",
     "featuring", "fetch", "fig", "figs", "figure", "figures", "find", "finding", "finished",
     "get", "getting", "give", "glad", "glance", "go", "going", "good", "got", "grateful",
     "guess", "happen", "having", "hello", "help", "hey", "hi", "hope", "hoping", "ideal",
     "ideally", "illustrate", "illustrates", "illustrating", "image", "imaged", "images",
     "imaging", "importantly", "instead", "interested", "keep", "kind", "kindly", "kinds",
     "know", "lecture", "like", "list", "look", "looking", "looks", "lovely", "mainly", "make",
     "manuscript", "meant", "mention", "mind", "mistake", "need", "needs", "next", "nice", "oh",
     "oops", "ought", "paper", "perfect", "pic", "pics", "picture", "pictures", "please",
     "plenty", "pls", "plz", "possible", "possibly", "prefer", "preferably", "preferred", "pull",
     "purely", "purpose", "purposes", "put", "quickly", "reason", "regarding", "related",
     "result", "results", "retrieve", "reveal", "revealing", "reveals", "said", "sample",
     "samples", "say", "scan", "scanned", "scans", "search", "searching", "see", "seeing",
     "seen", "show", "showing", "shown", "shows", "similar", "simply", "sorry", "sort",
     "specifically", "start", "stuff", "suggest", "suppose", "supposed", "sure", "talk",
     "teaching", "tell", "textbook", "thank", "thanks", "think", "thinking", "throw", "today",
     "tomorrow", "topic", "totally", "try", "trying", "type", "types", "use", "used", "useful",
     "various", "want", "wants", "wonder", "wonderful", "wondering", "worth", "you'd", "you'll",
     "you've"}
)  # fmt: skip

SAYS_LITTLE = frozenset(
    {"abnormal", "abnormalities", "abnormality", "appearance", "body", "change", "changes",
     "classic", "clinical", "common", "disease", "diseases", "finding", "findings", "human",
     "large", "lesion", "lesions", "lower", "medical", "normal", "patient", "patients",
     "pattern", "patterns", "people", "person", "rare", "section", "sections",
     "series", "sign", "signs", "slide", "slides", "small", "stain", "stained", "studies",
     "study", "typical", "upper", "view", "views"}
)  # fmt: skip
"""Words worth little when they stand alone."""
LITTLE_WEIGHT = 0.3

EVERYDAY_WORDS = frozenset(
    {"ache", "adult", "aged", "air", "animal", "area", "arm", "attack", "baby", "back", "ball",
     "band", "bar", "base", "bath", "bed", "bird", "birth", "bite", "block", "blood", "blow",
     "bone", "bridge", "button", "cat", "cavity", "cell", "chemistry", "child", "children",
     "choice", "cold", "condition", "content", "contrast", "control", "cover", "crown", "culture",
     "cut", "cycle", "dark", "day", "death", "defect", "density", "device", "diagnosis", "diet",
     "digit", "dog", "dose", "drop", "ear", "edge", "emergency", "eye", "face", "fall", "family",
     "fat", "father", "feeling", "feet", "female", "field", "finger", "fire", "fish", "flow",
     "fluid", "food", "foot", "frame", "growth", "hair", "hand", "head", "health", "hearing",
     "heat", "hole", "hunger", "illness", "incidence", "infant", "joint", "labor", "lead", "leg",
     "length", "life", "light", "lip", "load", "loss", "male", "man", "mark", "mass",
     "measurement", "memory", "men", "method", "model", "mother", "mouth", "movement", "nail",
     "neck", "noise", "nose", "operation", "organ", "palm", "part", "place", "plate", "pool",
     "position", "pressure", "problem", "procedure", "pulse", "rate", "reading", "recovery",
     "region", "repair", "rest", "rise", "root", "scale", "screen", "screening", "seat", "shape",
     "shock", "side", "sight", "site", "skin", "sleep", "smell", "sole", "space", "spot", "stage",
     "stem", "stick", "stone", "stress", "surface", "surgery", "survival", "symptom", "syndrome",
     "system", "tail", "taste", "technique", "test", "thirst", "time", "tissue", "toe", "tool",
     "touch", "transfer", "trap", "treatment", "trunk", "tube", "vision", "voice", "walk", "wall",
     "water", "weakness", "wedge", "weight", "white", "window", "wing", "woman", "women", "work",
     "young"}
)  # fmt: skip
"""Words of any talk that a medical thesaurus lists too: other words for them would mislead."""

ASKING_PHRASES = (
    r"(?:can|could|would|will) (?:you|u|i|we)(?: please| kindly)?",
    r"(?:show|find|give|get|tell|bring|fetch|send) (?:me|us)",
    r"let(?:'s| me| us)(?: see| look at)?",
    r"i(?: am|'m)? (?:looking|searching) for",
    r"i(?:'d| would)? (?:want|need|like|love)(?: to (?:see|find|look at))?",
    r"(?:the |my |our |an? )?(?:author|editor|doctor|professor|client|reviewer|colleague)s? "
    r"(?:needs?|wants?|asks? for|asked for|would like|is looking for)",
    r"(?:do|does) you have",
    r"have you got",
    r"(?:is|are) there",
    r"what (?:does|do|would)",
    r"looks? like",
    r"nothing but",
    r"(?:thank you|thanks)(?: (?:very much|a lot|in advance))?",
    r"(?<!clinical )(?<!gross )(?<!fundus )photos? (?:of|with|showing)",
    r"not (?:only|just|necessarily|sure)",
    r"whether or not",
    r"no (?:matter|preference|idea)",
    r"(?:(?<=arrow )|(?<=arrows )|(?<=arrowhead )|(?<=arrowheads ))"
    r"point(?:s|ing|ed)? (?:at|to|towards?)",
)

NEGATIONS = (
    r"(?:i )?(?:do not|don't|dont) (?:want|need|show|include|give)(?: me| us)?(?: to see)?",
    r"(?:anything|everything|all) (?:but|except)",
    r"other than",
    r"rather than",
    r"instead of",
    r"apart from",
    r"aside from",
    r"as opposed to",
    r"(?:but|and|is|are|if|although)? ?not",
    r"except(?:ing)?(?: for)?",
    r"exclud(?:e|es|ing)",
    r"leav(?:e|ing) out",
    r"omit(?:ting)?",
    r"avoid(?:ing)?",
    r"without",
    r"minus",
    r"neither",
    r"free of",
    r"lacking",
    r"absence of",
    r"no",
)
REACHING_OVER_AND = frozenset({"without", "no", "excluding", "exclude", "except", "neither"})
"""After these, "and" goes on excluding ("without arrows and labels")."""

ENDS_A_NEGATION = (
    "but", "with", "in", "on", "of", "from", "for", "at", "by", "to", "as", "is", "are", "was",
    "were", "showing", "shows", "that", "which", "who", "where", "when", "after", "before",
    "during", "because", "only", "just", "please", "instead", "also", "without", "not", "no",
    "except", "excluding", "than", "if", "while", "although", "thanks", "thank",
)  # fmt: skip

LEADS_INTO_A_NEGATED_THING = (
    "a", "an", "the", "any", "some", "of", "for", "evidence", "signs", "sign", "visible", "obvious",
    "really", "to", "be", "show", "showing", "include", "including", "those", "these", "in", "from",
    "images", "image", "pictures", "picture", "figures", "ones", "on", "with", "see", "using",
)  # fmt: skip

RELATIONS = (
    r"(?:next|close|adjacent|anterior|posterior|lateral|medial|superior|inferior) to",
    r"beside",
    r"behind",
    r"near",
    r"in front of",
    r"abutting",
)
LIES_IN = {"heart": "chest"}
"""Regions that a picture of a larger one shows as well."""
