"""Packets in, packets out; the wire format itself is the library's."""

from __future__ import annotations

import struct

import pytest
from dnslib import QTYPE, RCODE, DNSHeader, DNSQuestion, DNSRecord
from dnslib.dns import EDNS0
from hypothesis import example, given, settings
from hypothesis import strategies as st

from composer.supervisor import wire
from composer.supervisor.zone import Answer


def query(name: str = "web", kind: str = "A", *, edns: int | None = None) -> bytes:
    record = DNSRecord.question(name, kind)
    if edns is not None:
        record.add_ar(EDNS0(udp_len=edns))
    return bytes(record.pack())


def addresses(count: int) -> Answer:
    return Answer(tuple(f"10.211.0.{number}" for number in range(1, count + 1)), ttl=1)


def test_a_question_is_read_as_it_was_asked() -> None:
    """Name without the final dot and in its own case, type by name."""
    question = wire.question(query("Web.Shop_Front", "AAAA"))
    assert (question.name, question.kind) == ("Web.Shop_Front", "AAAA")


def test_a_reply_repeats_number_and_question_and_has_the_addresses_in_order() -> None:
    """Authoritative, recursion available, TTL as given."""
    packet = query()
    record = DNSRecord.parse(wire.reply(wire.question(packet), addresses(3), udp=True))
    assert record.header.id == DNSRecord.parse(packet).header.id
    assert (record.header.qr, record.header.aa, record.header.ra, record.header.rd, record.header.tc) == (1, 1, 1, 1, 0)
    assert str(record.q.qname) == "web."
    assert [(str(entry.rname), str(entry.rdata), entry.ttl) for entry in record.rr] == [
        ("web.", "10.211.0.1", 1), ("web.", "10.211.0.2", 1), ("web.", "10.211.0.3", 1),
    ]


def test_a_name_is_answered_as_a_pointer() -> None:
    """A value with a final dot is a PTR record."""
    question = wire.question(query("2.0.211.10.in-addr.arpa", "PTR"))
    (entry,) = DNSRecord.parse(wire.reply(question, Answer(("shop-web-1.shop_front.",)), udp=True)).rr
    assert (QTYPE[entry.rtype], str(entry.rdata)) == ("PTR", "shop-web-1.shop_front.")


def test_an_empty_answer_is_no_error() -> None:
    """NOERROR with nothing in it: the name exists."""
    record = DNSRecord.parse(wire.reply(wire.question(query(kind="AAAA")), Answer(), udp=True))
    assert (RCODE[record.header.rcode], record.rr) == ("NOERROR", [])


def test_what_does_not_fit_is_left_out_and_said() -> None:
    """512 bytes without EDNS, what the client offers with it, all of it by TCP."""
    many = addresses(100)
    plain = wire.reply(wire.question(query()), many, udp=True)
    assert len(plain) <= 512
    assert DNSRecord.parse(plain).header.tc == 1
    assert len(DNSRecord.parse(plain).rr) > 25
    for whole in (wire.reply(wire.question(query(edns=4096)), many, udp=True), wire.reply(wire.question(query()), many, udp=False)):
        assert (DNSRecord.parse(whole).header.tc, len(DNSRecord.parse(whole).rr)) == (0, 100)


def test_edns_is_answered_with_edns() -> None:
    """A question with an OPT record gets one back, another does not (RFC 6891, section 6.1.1)."""
    assert [entry.rtype for entry in DNSRecord.parse(wire.reply(wire.question(query(edns=1232)), addresses(1), udp=True)).ar] == [QTYPE.OPT]
    assert DNSRecord.parse(wire.reply(wire.question(query()), addresses(1), udp=True)).ar == []


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0), "FORMERR"),
        (struct.pack("!HHHHHH", 7, 0x0100, 0, 0, 0, 0), "FORMERR"),
        (bytes(DNSRecord(DNSHeader(id=7), questions=[DNSQuestion("a"), DNSQuestion("b")]).pack()), "FORMERR"),
        (struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\x00\x01\x00\x01", "FORMERR"),
        (bytes(DNSRecord(DNSHeader(id=7, opcode=4), q=DNSQuestion("a")).pack()), "NOTIMP"),
    ],
    ids=["no question", "zero questions", "two questions", "name that points at itself", "notify"],
)
def test_nonsense_is_refused_by_its_number(packet: bytes, code: str) -> None:
    """What cannot be read is a format error, what is no query is not implemented; both go to the one who asked."""
    with pytest.raises(wire.Refusal) as refused:
        wire.question(packet)
    record = DNSRecord.parse(wire.refuse(packet, refused.value.code))
    assert (record.header.id, record.header.qr, RCODE[record.header.rcode]) == (7, 1, code)


def test_a_refusal_repeats_the_question() -> None:
    """Clients drop an answer that is not to their question."""
    record = DNSRecord.parse(wire.refuse(query("web"), RCODE.SERVFAIL))
    assert (str(record.q.qname), RCODE[record.header.rcode]) == ("web.", "SERVFAIL")


@settings(max_examples=500, deadline=None)
@given(st.binary(min_size=12, max_size=80))
@example(query("web") + b"\0" * 20)
@example(b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x03web\x00\x00\x01\x00\x01\xff\xff\xff")
@example(b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x40web\x00\x00\x01\x00\x01")
@example(b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03w\xffb\x00\x00\x01\x00\x01")
def test_whatever_comes_gets_an_answer(packet: bytes) -> None:
    """Any bytes are either a question that can be answered or refused in a packet of at least a header."""
    try:
        question = wire.question(packet)
    except wire.Refusal as refusal:
        assert len(wire.refuse(packet, refusal.code)) >= wire.HEADER
    else:
        assert wire.reply(question, addresses(2), udp=True)[:2] == packet[:2]


def test_responses_and_fragments_are_no_queries() -> None:
    """They get no answer at all: two resolvers would send refusals for ever."""
    assert wire.is_query(query())
    assert not wire.is_query(query()[:11])
    assert not wire.is_query(wire.refuse(query(), RCODE.SERVFAIL))


def test_only_a_response_to_the_question_is_an_answer() -> None:
    """Another name, or a query, is not; the case of letters does not matter."""
    question = wire.question(query("web"))
    assert wire.answers(wire.reply(question, addresses(1), udp=True), question)
    assert wire.answers(wire.refuse(query("WEB"), RCODE.SERVFAIL), question)
    assert not wire.answers(wire.refuse(query("other"), RCODE.SERVFAIL), question)
    assert not wire.answers(query("web"), question)
