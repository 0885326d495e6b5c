"""DNS packets: reading a question, writing an answer (RFC 1035). Nothing here opens a socket."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass

from dnslib import DNSError, DNSHeader, DNSQuestion, DNSRecord
from dnslib.buffer import BufferError as DNSBufferError
from dnslib.dns import AAAA, CLASS, EDNS0, OPCODE, PTR, QTYPE, RCODE, RR, A
from dnslib.label import DNSBuffer, DNSLabelError

from composer.supervisor.zone import Answer

HEADER = 12
#: What fits a UDP answer to a client that says nothing about it, and what we offer to take.
PLAIN_UDP, OUR_UDP = 512, 4096
SERVFAIL: int = RCODE.SERVFAIL

_RESPONSE, _OPCODE_AND_RD, _RA = 0x8000, 0x7900, 0x0080
#: A server that answers so may know less than the next one.
_PASSED_OVER = frozenset({RCODE.SERVFAIL, RCODE.REFUSED, RCODE.NOTIMP, RCODE.FORMERR})
_BROKEN = (DNSError, DNSBufferError, DNSLabelError, ValueError, IndexError, struct.error)


class Refusal(Exception):
    """A packet that deserves no more than this response code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Question:
    """What a packet asks. `kind` is the record type by name, "" in a class that is not IN; `raw` the question section as it came."""

    name: str
    kind: str
    raw: bytes
    packet: bytes
    header: DNSHeader
    asked: DNSQuestion


def is_query(packet: bytes) -> bool:
    """Whether a packet deserves any answer: not when it is too short for a header, or itself a response (they would be sent for ever)."""
    return len(packet) >= HEADER and not packet[2] & 0x80


def question(packet: bytes) -> Question:
    """The one question of a query; raises Refusal for anything else."""
    buffer = DNSBuffer(packet)
    try:
        header = DNSHeader.parse(buffer)
        if header.opcode != OPCODE.QUERY:
            raise Refusal(RCODE.NOTIMP)
        if header.q != 1:
            raise Refusal(RCODE.FORMERR)
        asked = DNSQuestion.parse(buffer)
    except _BROKEN as malformed:
        raise Refusal(RCODE.FORMERR) from malformed
    name = b".".join(asked.qname.label).decode("latin-1")
    kind = QTYPE.forward.get(asked.qtype, str(asked.qtype)) if asked.qclass == CLASS.IN else ""
    return Question(name, kind, packet[HEADER : buffer.offset], packet, header, asked)


def reply(question: Question, answer: Answer, *, udp: bool) -> bytes:
    """Our answer. What does not fit a UDP packet is left out and the rest marked as truncated: the client asks again by TCP."""
    offered = _udp_size(question.packet) if question.header.ar else None
    record = _response(question)
    record.header.aa = 1
    for value in answer.values:
        kind, data = (QTYPE.PTR, PTR(value)) if value.endswith(".") else (QTYPE.AAAA, AAAA(value)) if ":" in value else (QTYPE.A, A(value))
        record.add_answer(RR(question.asked.qname, kind, rdata=data, ttl=answer.ttl))
    if offered is not None:
        record.add_ar(EDNS0(udp_len=OUR_UDP))
    limit = max(PLAIN_UDP, offered or 0) if udp else 0xFFFF
    packed = bytes(record.pack())
    while len(packed) > limit and record.rr:
        record.header.tc = 1
        record.rr.pop()
        packed = bytes(record.pack())
    return packed


def refuse(packet: bytes, code: int) -> bytes:
    """An answer that only says why there is none; it repeats the question when that can be read, as clients expect."""
    with suppress(Refusal):
        record = _response(question(packet))
        record.header.rcode = code
        return bytes(record.pack())
    number, flags = struct.unpack_from("!HH", packet)
    return struct.pack("!HHHHHH", number, _RESPONSE | flags & _OPCODE_AND_RD | _RA | code, 0, 0, 0, 0)


def answers(response: bytes, question: Question) -> bool:
    """Whether a packet is a response to this question; a server in trouble may leave the question out."""
    if len(response) < HEADER or not response[2] & 0x80:
        return False
    raw = question.raw
    return response[4:6] == b"\0\0" or response[HEADER : HEADER + len(raw)].lower() == raw.lower()


def is_excuse(response: bytes) -> bool:
    """Whether another server may know better."""
    return response[3] & 0x0F in _PASSED_OVER


def _response(question: Question) -> DNSRecord:
    header = question.header
    return DNSRecord(DNSHeader(id=header.id, qr=1, opcode=header.opcode, rd=header.rd, cd=header.cd, ra=1), q=question.asked)


def _udp_size(packet: bytes) -> int | None:
    """What the client offers in its OPT record (RFC 6891), None when it has none that can be read."""
    with suppress(*_BROKEN):
        return next((int(extra.rclass) for extra in DNSRecord.parse(packet).ar if extra.rtype == QTYPE.OPT), None)
    return None
