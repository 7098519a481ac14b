# SPDX-License-Identifier: LGPL-2.1-or-later
"""What no caller may get through: paths, commands, hosts, newlines, in every key of a certificate's spec."""

VALUES = ("/etc/passwd", "../x", "a\nb", "$(reboot)", "host:80", "\u202e", "x" * 100000, "")
NAMES = ("", ".", "..", "../x", "a/b", "A", "-a", "a b", "a\nb", "ä", "x" * 65)
IDENTIFIERS = ("", ".", "a..b", "-a.example", "a-.example", "a_b.example", "*", "foo.*.example", "*.*.example",
               "a b.example", "a\n.example", "x" * 64 + ".example", ".".join(["a" * 60] * 5), "fe80::1%eth0",
               "a.example/x", "http://a.example", "\u202eelpmaxe.a")
TEXTS = ("key-type", "country", "state", "locality", "organization", "common-name", "renew")
LISTS = ("issuer", "challenge", "deliver", "readers")


def pairs():
    """(key, type, value) of every key and value that is wrong there."""
    for key in TEXTS:
        for value in VALUES:
            # Words of a subject, and nothing else is made of them.
            if key not in ("state", "locality", "organization") or value in ("a\nb", "\u202e", "x" * 100000, ""):
                yield key, "s", value
    for key in LISTS:
        for value in VALUES:
            yield key, "as", [value]
    for value in IDENTIFIERS:
        yield "identifiers", "as", [value]
