// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DNS messages as they are, and as nobody should send them.
 */
#include <string.h>

#include "net/dns-answer.h"
#include "plugin/error.h"

/* www.example, which everything here is about; at offset 12. */
#define NAME "\3WWW\7example\0"
#define QUESTION(type) NAME "\0" type "\0\1"
/* A pointer to it. */
#define SAME "\300\14"

#define HEADER(flags, answers, authorities) "\7\7" flags "\0\1\0" answers "\0" authorities "\0\0"
#define PARSE(literal, error)                                                                      \
  herd_dns_answer_parse ((const guint8 *) literal, sizeof literal - 1, error)

static void
assert_refused (const char *message, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (message, size); /* for valgrind, ASan and MALLOC_PERTURB_ */
  g_autoptr (GError) error = NULL;

  g_assert_null (herd_dns_answer_parse (copy, size, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
}

#define ASSERT_REFUSED(literal) assert_refused (literal, sizeof literal - 1)

static void
assert_data (const HerdDnsRecord *record, const char *data)
{
  g_assert_cmpmem (g_bytes_get_data (record->data, NULL), g_bytes_get_size (record->data), data,
                   strlen (data));
}

static void
test_sections (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsAnswer) answer = PARSE (
      HEADER ("\204\0", "\3", "\1") QUESTION ("\1")
      /* CNAME Host.example, its suffix a pointer into the question */
      SAME "\0\5\0\1\0\0\0\74\0\7\4Host\300\20"
           "\4host\300\20\0\1\0\1\0\0\0\74\0\4\300\0\2\1"
           "\4host\300\20\0\34\0\1\0\0\0\74\0\20\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"
           "\300\20\0\2\0\1\0\0\0\74\0\5\2ns\300\20",
      &error);
  const HerdDnsRecord *record;

  g_assert_no_error (error);
  g_assert_cmpuint (answer->rcode, ==, 0);
  g_assert_true (answer->authoritative);
  g_assert_cmpuint (answer->answers->len, ==, 3);
  record = answer->answers->pdata[0];
  g_assert_cmpstr (record->owner, ==, "www.example");
  g_assert_cmpstr (record->text, ==, "host.example");
  g_assert_cmpuint (record->ttl, ==, 60);
  g_assert_cmpstr (((HerdDnsRecord *) answer->answers->pdata[1])->text, ==, "192.0.2.1");
  g_assert_cmpstr (((HerdDnsRecord *) answer->answers->pdata[2])->text, ==, "2001:db8::1");
  g_assert_cmpuint (answer->authorities->len, ==, 1);
  g_assert_cmpstr (((HerdDnsRecord *) answer->authorities->pdata[0])->text, ==, "ns.example");
  g_assert_cmpstr (herd_dns_answer_follow (answer, "www.example"), ==, "host.example");
  g_assert_cmpstr (herd_dns_answer_follow (answer, "other.example"), ==, "other.example");
  g_assert_null (herd_dns_answer_find (answer, "www.example", HERD_DNS_A));
  g_assert_nonnull (herd_dns_answer_find (answer, "host.example", HERD_DNS_A));
}

static void
test_data (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsAnswer) answer = PARSE (
      HEADER ("\200\3", "\5", "\0") QUESTION ("\20") SAME
      "\0\20\0\1\0\0\0\0\0\7\2ab\0\2cd" SAME "\1\1\0\1\0\0\0\0\0\12\200\5ISSUE;x " SAME
      "\0\6\0\1\0\0\0\0\0\31\2ns\300\14\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"
      /* of another class, and of a type that nobody asked for: whatever is in them */
      SAME "\0\20\0\3\0\0\0\0\0\1\77" SAME "\0\17\0\1\0\0\0\0\0\1\77",
      &error);
  const HerdDnsRecord *caa;

  g_assert_no_error (error);
  g_assert_cmpuint (answer->rcode, ==, 3);
  g_assert_false (answer->authoritative);
  g_assert_cmpuint (answer->answers->len, ==, 3);
  assert_data (answer->answers->pdata[0], "abcd");
  caa = answer->answers->pdata[1];
  g_assert_cmpstr (caa->text, ==, "issue");
  g_assert_cmpuint (caa->flags, ==, 128);
  assert_data (caa, ";x ");
  g_assert_cmpstr (((HerdDnsRecord *) answer->answers->pdata[2])->text, ==, "ns.www.example");
}

static void
test_hostile (void)
{
  ASSERT_REFUSED ("");
  ASSERT_REFUSED ("\7\7\200\0\0\1\0\1\0\0\0");
  /* the question, or the answer, is missing */
  ASSERT_REFUSED (HEADER ("\200\0", "\0", "\0"));
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\1"));
  /* two questions; more records than 512 */
  ASSERT_REFUSED ("\7\7\200\0\0\2\0\0\0\0\0\0" QUESTION ("\1") QUESTION ("\1"));
  ASSERT_REFUSED ("\7\7\200\0\0\1\2\0\0\1\0\0" QUESTION ("\1"));
  /* a name that points to itself, in a circle, past the end, or ends with the message */
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\1") "\300\35\0\1\0\1\0\0\0\0\0\4abcd");
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0")
                      QUESTION ("\1") "\1a\300\35\0\1\0\1\0\0\0\0\0\4abcd");
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\1") "\300\377\0\1\0\1\0\0\0\0\0\4abcd");
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\1") "\77abc");
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\1") "\300");
  /* data longer than the message; addresses of a wrong size */
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\1") SAME "\0\1\0\1\0\0\0\0\0\5abcd");
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\1") SAME "\0\1\0\1\0\0\0\0\0\3abc");
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\1") SAME "\0\34\0\1\0\0\0\0\0\4abcd");
  /* a string that reaches past its record, into the next; no string at all */
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\20") SAME "\0\20\0\1\0\0\0\0\0\3\3ab"
                                                                      "cdef");
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\20") SAME "\0\20\0\1\0\0\0\0\0\0");
  /* a name that reaches past its record; bytes behind it */
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\5") SAME "\0\5\0\1\0\0\0\0\0\2\1a"
                                                                     "\0");
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\5") SAME "\0\5\0\1\0\0\0\0\0\3" SAME
                                                                     "x");
  /* CAA: no tag; a tag longer than the record; a tag of other characters */
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\20") SAME "\1\1\0\1\0\0\0\0\0\2\0\0");
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\20") SAME "\1\1\0\1\0\0\0\0\0\3\0\5a");
  ASSERT_REFUSED (HEADER ("\200\0", "\1", "\0") QUESTION ("\20") SAME
                  "\1\1\0\1\0\0\0\0\0\5\0\3a\nb");
}

static void
test_circle (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsAnswer) answer = PARSE (
      HEADER ("\200\0", "\1", "\0") QUESTION ("\5") SAME "\0\5\0\1\0\0\0\0\0\2" SAME, &error);

  g_assert_no_error (error);
  g_assert_null (herd_dns_answer_follow (answer, "www.example"));
}

/* What is odd in a name must not come out as it is. */
static void
test_odd_names (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsAnswer) answer = PARSE (HEADER ("\200\0", "\1", "\0") QUESTION ("\5") SAME
                                            "\0\5\0\1\0\0\0\0\0\11\7a.b\n\x1b \"\0",
                                            &error);

  g_assert_no_error (error);
  g_assert_cmpstr (((HerdDnsRecord *) answer->answers->pdata[0])->text, ==, "a\\.b\\010\\027 \\\"");
}

static void
test_within (void)
{
  g_assert_true (herd_dns_name_is_within ("a.example", "example"));
  g_assert_true (herd_dns_name_is_within ("example", "example"));
  g_assert_true (herd_dns_name_is_within ("example", ""));
  g_assert_false (herd_dns_name_is_within ("badexample", "example"));
  g_assert_false (herd_dns_name_is_within ("example", "a.example"));
}

static void
test_rcodes (void)
{
  g_autofree char *known = herd_dns_rcode_to_string (9);
  g_autofree char *unknown = herd_dns_rcode_to_string (15);

  g_assert_cmpstr (known, ==, "NOTAUTH");
  g_assert_cmpstr (unknown, ==, "rcode 15");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns-answer/sections", test_sections);
  g_test_add_func ("/dns-answer/data", test_data);
  g_test_add_func ("/dns-answer/hostile", test_hostile);
  g_test_add_func ("/dns-answer/circle", test_circle);
  g_test_add_func ("/dns-answer/odd-names", test_odd_names);
  g_test_add_func ("/dns-answer/within", test_within);
  g_test_add_func ("/dns-answer/rcodes", test_rcodes);
  return g_test_run ();
}
