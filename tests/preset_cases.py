"""A preset, and edits of it that are refused, for its parser and its schema."""

GOOD = """
[preset]
name = "mine"
description = "A test."

[[effect]]
id = "room"
type = "reverb"
wet_level = 0.1

[[map]]
source = "tag.vocal"
target = "room.wet_level"
min = 0.0
max = 0.7
"""


WRONG = [
    ('name = "mine"', "name = 3", 3, "string in quotes"),
    ('name = "mine"', 'nme = "mine"', 3, "'nme'.*'name'"),
    ("[[effect]]", "[effect]", 6, r"\[\[effect\]\]"),
    ("[[map]]", "[[maps]]", 0, "'maps'.*'map'"),
    ('type = "reverb"', 'type = "revreb"', 8, "'revreb'.*'reverb'"),
    ('type = "reverb"', 'type = "chain"', 8, "'chain'"),
    ("wet_level = 0.1", "wet_leval = 0.1", 9, "'wet_leval'.*'wet_level'"),
    ("wet_level = 0.1", 'wet_level = "high"', 9, "number"),
    ("wet_level = 0.1", "wet_level = true", 9, "number"),
    ('id = "room"', 'id = "the room"', 7, "the room"),
    ('source = "tag.vocal"', "source = 3", 12, "descriptor"),
    ('source = "tag.vocal"', "source = []", 12, "descriptor"),
    ('target = "room.wet_level"', 'target = "room"', 13, r"effect-id\.parameter"),
    ('target = "room.wet_level"', 'target = "rom.wet_level"', 13, "'rom'.*'room'"),
    ('target = "room.wet_level"', 'target = "room.wetlevel"', 13, "'wetlevel'.*'wet_level'"),
    ("min = 0.0", "minimum = 0.0", 14, "'minimum'"),
    ("min = 0.0", 'min = 0.0\ncurve = "cubic"', 15, "'cubic'.*lin"),
    ("min = 0.0", "min = 0.0\ninvert = 1", 15, "true or false"),
    ("min = 0.0", "min = 0.0\nbelow = 1\nthreshold = 2", 15, "two gates"),
    ("min = 0.0", "min = 0.0\nhysteresis = 1", 15, "gate"),
    ("min = 0.0", "min = 0.0\nlow = 1\nthreshold = 2", 15, "a gate has no low"),
    ("min = 0.0", "min = 0.0\nbelow = 1\nhigh = 2", 16, "a gate has no high"),
    ('name = "mine"', 'name = "mine"\nhop = 0', 4, "hop is 0 s"),
    ('name = "mine"', 'name = "mine"\nhop = -1', 4, "hop is -1 s"),
    ('source = "tag.vocal"', 'source = "rms_db"', 12, "'rms_db' is not a descriptor.*signal"),
    ('source = "tag.vocal"', 'source = ["tag.vocal", "vocals"]', 12, "'vocals' is not a desc"),
    ("min = 0.0", "min = 0.0\ncombine = 'product'", 15, "'product'.*sum"),
    ("min = 0.0", "min = 0.0\nhold = 'long'", 15, "number"),
    ("max = 0.7", "", 11, "max is missing"),
]
