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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/findings/list", test_list);
  g_test_add_func ("/findings/hostile", test_hostile);
  return g_test_run ();
}
