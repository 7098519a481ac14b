// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lists of findings.
 */
#include "core/findings.h"

#include <string.h>

static const char *
get (GVariant *list, gsize index, const char *key)
{
  g_autoptr (GVariant) row = g_variant_get_child_value (list, index);
  const char *text = NULL;

  g_assert_true (g_variant_lookup (row, key, "&s", &text));
  return text;
}

static void
test_list (void)
{
  g_autoptr (HerdFindings) findings = herd_findings_new ();
  g_autoptr (GVariant) none = herd_findings_to_variant (findings);
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) bad = NULL;

  g_assert_cmpuint (g_variant_n_children (none), ==, 0);
  herd_findings_add (findings, "", "clock", HERD_SEVERITY_OK, "fine");
  herd_findings_add (findings, "a.test", "caa", HERD_SEVERITY_ERROR, "%s %d", "no", 1);
  herd_findings_add (findings, "a.test", "address", HERD_SEVERITY_NOTICE, "known");
  herd_findings_add (findings, "b.test", "answer", HERD_SEVERITY_WARNING, "perhaps");
  all = herd_findings_to_variant (findings);
  g_assert_cmpuint (g_variant_n_children (all), ==, 4);
  g_assert_cmpstr (get (all, 1, "identifier"), ==, "a.test");
  g_assert_cmpstr (get (all, 1, "check"), ==, "caa");
  g_assert_cmpstr (get (all, 1, "severity"), ==, "error");
  g_assert_cmpstr (get (all, 1, "message"), ==, "no 1");
  bad = herd_findings_select_bad (all);
  g_assert_cmpuint (g_variant_n_children (bad), ==, 2);
  g_assert_cmpstr (get (bad, 0, "severity"), ==, "error");
  g_assert_cmpstr (get (bad, 1, "severity"), ==, "warning");
}

/* One that is about an issuer says which. */
static void
test_issuer (void)
{
  g_autoptr (HerdFindings) findings = herd_findings_new ();
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) bad = NULL;
  g_autoptr (GVariant) first = NULL;

  herd_findings_add (findings, "a.test", "caa", HERD_SEVERITY_WARNING, "%s", "no answer");
  herd_findings_add_for (findings, "ours", "a.test", "caa", HERD_SEVERITY_ERROR, "%s %d", "no", 1);
  all = herd_findings_to_variant (findings);
  first = g_variant_get_child_value (all, 0);
  g_assert_false (g_variant_lookup (first, "issuer", "&s", NULL));
  bad = herd_findings_select_bad (all);
  g_assert_cmpstr (get (bad, 1, "issuer"), ==, "ours");
  g_assert_cmpstr (get (bad, 1, "message"), ==, "no 1");
}

static void
test_hostile (void)
{
  g_autoptr (HerdFindings) findings = herd_findings_new ();
  g_autofree char *much = g_strnfill (100000, 'x');
  g_autoptr (GVariant) all = NULL;

  herd_findings_add (findings, "", "dns", HERD_SEVERITY_ERROR, "a\033[31m\xff");
  herd_findings_add (findings, "", "dns", HERD_SEVERITY_ERROR, "%s", much);
  all = herd_findings_to_variant (findings);
  g_assert_cmpstr (get (all, 0, "message"), ==, "a\\x1b[31m\\xff");
  g_assert_cmpuint (strlen (get (all, 1, "message")), <=, 2048);
}

/* What a CA said comes first, with its type. */
static void
test_parts (void)
{
  g_autoptr (GVariant) findings = g_variant_ref_sink (
      g_variant_new_parsed ("[{'identifier': <'a.example'>, 'check': <'caa'>}]"));
  g_autoptr (GVariant) parts = g_variant_ref_sink (
      g_variant_new_parsed ("[{'identifier': <'a.example'>, 'type': <'caa'>, 'detail': <'no'>},"
                            " {'identifier': <''>, 'type': <''>, 'detail': <''>}]"));
  g_autoptr (GVariant) expected = g_variant_ref_sink (g_variant_new_parsed (
      "[{'identifier': <'a.example'>, 'check': <'ca'>, 'severity': <'error'>, 'type': <'caa'>,"
      " 'message': <'no (caa)'>}, {'identifier': <''>, 'check': <'ca'>, 'severity': <'error'>,"
      " 'type': <''>, 'message': <''>}, {'identifier': <'a.example'>, 'check': <'caa'>}]"));
  g_autoptr (GVariant) both = herd_findings_add_parts (findings, parts);

  g_assert_cmpuint (g_variant_n_children (both), ==, 3);
  for (gsize i = 0; i < 3; i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (both, i);
    g_autoptr (GVariant) wanted = g_variant_get_child_value (expected, i);
    GVariantIter iter;
    const char *key;
    GVariant *value;

    g_assert_cmpuint (g_variant_n_children (row), ==, g_variant_n_children (wanted));
    g_variant_iter_init (&iter, wanted);
    while (g_variant_iter_loop (&iter, "{&sv}", &key, &value)) {
      g_autoptr (GVariant) found = g_variant_lookup_value (row, key, NULL);

      g_assert_cmpvariant (found, value);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/findings/list", test_list);
  g_test_add_func ("/findings/issuer", test_issuer);
  g_test_add_func ("/findings/hostile", test_hostile);
  g_test_add_func ("/findings/parts", test_parts);
  return g_test_run ();
}
