# SPDX-License-Identifier: LGPL-2.1-or-later
"""What no caller may get through: paths, commands, hosts, newlines, in every key and option."""

from gi.repository import GLib

VALUES = ("/etc/passwd", "../x", "a\nb", "$(reboot)", "host:80", "\u202e", "x" * 100000, "")
NAMES = ("", ".", "..", "../x", "a/b", "A", "-a", "a b", "a\nb", "ä", "x" * 65)
IDENTIFIERS = ("", ".", "a..b", "-a.example", "a-.example", "a_b.example", "*", "foo.*.example", "*.*.example",
               "a b.example", "a\n.example", "x" * 64 + ".example", ".".join(["a" * 60] * 5), "fe80::1%eth0",
               "a.example/x", "http://a.example", "\u202eelpmaxe.a")
TEXTS = ("key-type", "country", "state", "locality", "organization", "common-name", "renew", "lifetime",
         "profile", "profile-policy", "preferred-chain")
BOOLEANS = ("must-staple",)
LISTS = ("issuer", "challenge", "deliver", "readers")


def pairs():
    """(key, type, value) of every key and value that is wrong there."""
    for key in TEXTS:
        for value in VALUES:
            # Words of a subject or a name to compare with, and nothing else is made of them.
            if key not in ("state", "locality", "organization", "preferred-chain") or value in ("a\nb", "\u202e", "x" * 100000, ""):
                yield key, "s", value
    for key in LISTS:
        for value in VALUES:
            yield key, "as", [value]
    for key in BOOLEANS:
        for value in VALUES + ("yes",):
            yield key, "s", value
    for value in IDENTIFIERS:
        yield "identifiers", "as", [value]


SPEC_KEYS = {*TEXTS, *LISTS, *BOOLEANS, "identifiers"}

URLS = ("http://ca.test/dir", "file:///etc/passwd", "/etc/passwd", "https://", "https://user:secret@ca.test/dir",
        "https://ca.test/a b", "https://ca.test/\n", "ca.test", "javascript:x", "")
PEMS = ("/etc/passwd", "/etc/ssl/certs/ca-certificates.crt", "", "x" * 300000,
        "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n")
# Settings of an issuer: every key, with values that are wrong there.
SETTINGS = {
    "directory-url": URLS,
    "preset": VALUES,
    "staging": VALUES,
    "trust": PEMS,
    "kind": VALUES,
    "account-key-type": VALUES,
    "http": VALUES + ("1.0", "3"),
    "eab-algorithm": VALUES + ("HS1", "none"),
    "eab-hmac-file": ("secret", "../x", "a\nb", ""),
    "eab-kid": ("a\nb", "\u202e", "x" * 100000, ""),
    "agree-terms": ("a\nb", "\u202e", "no", "", "/etc/passwd"),
    "contact": ("a\nb", "\u202e", "mailto:", "/etc/passwd", "", "x" * 100000),
}


def settings():
    """(key, value) of every setting of an issuer and value that is wrong there."""
    for key, values in SETTINGS.items():
        for value in values:
            yield key, GLib.Variant("as", [value]) if key == "contact" else GLib.Variant("s", value)
        yield key, GLib.Variant("u", 1)
        yield key, GLib.Variant("as" if key != "contact" else "s", ["x"] if key != "contact" else "x")


def known_keys(message):
    """What the error about an unknown key says that there is."""
    return set(message.rsplit("known are ", 1)[1].split(", "))


# Options of the other members: (member, types of the arguments before, arguments before, options).
UNKNOWN = ({"colour": GLib.Variant("s", "red")}, {"path": GLib.Variant("s", "/etc/passwd")},
           {"command": GLib.Variant("as", ["/bin/sh"])}, {"": GLib.Variant("s", "")})
WRONG_OPTIONS = {
    "Certificate1.Renew": ({"force": GLib.Variant("s", "yes")}, {"reason": GLib.Variant("u", 1)}),
    "Certificate1.Remove": ({"force": GLib.Variant("b", True)},),
    "Certificate1.OpenChain": ({"generation": GLib.Variant("s", "1")},),
    "Certificate1.OpenBundle": ({"generation": GLib.Variant("i", 1)},),
    "Issuer1.Register": ({"contacts": GLib.Variant("s", "a@example.org")}, {"agree-terms": GLib.Variant("b", True)},
                         {"agree-terms": GLib.Variant("s", "a\nb")}, {"contacts": GLib.Variant("as", ["a\nb"])},
                         {"contacts": GLib.Variant("as", ["/etc/passwd"])}, {"eab-hmac": GLib.Variant("s", "secret")},
                         {"eab-kid": GLib.Variant("s", "kid")}, {"eab-hmac": GLib.Variant("h", 0)},
                         {"eab-kid": GLib.Variant("s", "kid"), "eab-hmac": GLib.Variant("h", 7)},
                         {"eab-algorithm": GLib.Variant("s", "none")}),
}
WRONG_SUBSCRIPTIONS = ((["*"], {"target": GLib.Variant("s", "../x")}), (["*"], {"target": GLib.Variant("s", "a\nb")}),
                       (["*"], {"target": GLib.Variant("s", "0:server")}), (["*"], {"target": GLib.Variant("s", "")}),
                       (["*"], {"target": GLib.Variant("as", ["live"])}), (["*"], {"server": GLib.Variant("u", 1)}),
                       (["a\nb"], {}), (["/etc/*"], {}), ([], {}))
