"""Titles in a stream: SHOUTcast's blocks, and the charsets that stations use."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_server import icy

from pyplugin.inputs.icy import IcyReader, TextDecoder, stream_title


@given(
    data=st.binary(max_size=300),
    interval=st.integers(1, 50),
    sizes=st.lists(st.integers(1, 40), min_size=1),
    titles=st.dictionaries(
        st.integers(0, 5), st.binary(max_size=40).filter(lambda t: b"'" not in t)
    ),
)
def test_audio_and_titles_are_separated(data, interval, sizes, titles):
    stream = io.BytesIO(icy(data, interval, titles))
    found: list[bytes] = []
    reader = IcyReader(stream.read, interval, found.append)
    audio, number = b"", 0
    while part := reader.read(sizes[number % len(sizes)]):
        audio += part
        number += 1
    assert audio == data
    sent = [titles[n] for n in sorted(titles) if (n + 1) * interval <= len(data)]
    assert found == [title.strip() for title in sent][: len(found)]
    assert len(found) >= len(sent) - 1  # the block behind the last byte may not be read


@pytest.mark.parametrize(
    ("block", "title"),
    [
        (b"StreamTitle='';", b""),
        (b"StreamTitle='a';", b"a"),
        (b"StreamTitle='It's; here';StreamUrl='x';", b"It's; here"),
        (b"StreamTitle='a' - 'b'", b"a' - 'b"),
        (b"StreamTitle=' spaced ';adw_ad='true';", b"spaced"),
        (b"StreamUrl='x';", None),
        (b"", None),
        (b"StreamTitle='never closed", None),
    ],
)
def test_fields_of_a_block(block, title):
    assert stream_title(block + bytes(-len(block) % 16)) == title


@pytest.mark.parametrize(
    ("charset", "titles"),
    [
        ("utf-8", ["Björk - Jóga", "宇多田ヒカル - 初恋"]),
        ("cp1252", ["Beyoncé – Déjà Vu", "Motörhead - Ace of Spades", "Sigur Rós - Hoppípolla"]),
        ("cp1251", ["Кино - Группа крови", "Машина времени - Поворот"]),
        ("koi8-r", ["Кино - Группа крови"]),
        ("cp932", ["宇多田ヒカル - 初恋", "椎名林檎 - 丸ノ内サディスティック"]),
        ("euc-jp", ["宇多田ヒカル - 初恋"]),
        ("cp949", ["아이유 - 좋은 날"]),
        ("big5", ["周杰倫 - 青花瓷"]),
        ("cp1253", ["Γιώργος Νταλάρας - Πάμε"]),
        ("cp1255", ["עידן רייכל - ממעמקים"]),
        ("cp1256", ["فيروز - نسم علينا الهوى"]),
    ],
)
def test_titles_of_any_charset(charset, titles):
    decode = TextDecoder()
    for title in titles:
        assert decode(title.encode(charset)) == title


def test_a_charset_that_is_given_is_used():
    decode = TextDecoder("cp1250")
    assert decode("Kabát - Šaman".encode("cp1250")) == "Kabát - Šaman"
    assert decode("Björk".encode()) == "Björk"  # but what is UTF-8 is UTF-8


def test_references_are_resolved():
    assert TextDecoder()(b"Caf&#233; &amp; &#1050;&#1080;&#1085;&#1086;") == "Café & Кино"
