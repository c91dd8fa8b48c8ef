"""No control character of a name reaches a terminal."""

import unicodedata

from pyplugin.support.printable import printable


def test_every_control_character_is_escaped():
    every = [chr(number) for number in range(0x3000)]
    left = [each for each in every if printable(each) == each]
    # Cc: controls; Zl and Zp: ends of lines; the bidirectional classes that turn text.
    turning = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    unseen = [
        each
        for each in every
        if unicodedata.category(each) in ("Cc", "Zl", "Zp")
        or unicodedata.bidirectional(each) in turning
    ]
    assert len(unseen) > 70
    assert not set(unseen) & set(left)


def test_letters_stay_and_lines_if_wanted():
    assert printable("Füße ♫ 音楽") == "Füße ♫ 音楽"
    assert printable("a\n\tb\x1b", lines=True) == "a\n\tb\\x1b"
    assert printable("a\n\tb") == "a\\n\\tb"
