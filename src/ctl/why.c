// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The command why: what happens next with a certificate, and all that leads to it. Owned by certherdctl; one
 * thread.
 */
#include <glib/gi18n.h>

#include "ctl/output.h"

static void
add_time (HerdCtl *ctl, HerdCtlTable *table, const char *label, GVariant *reasons, const char *key)
{
  gint64 when = herd_ctl_get_int64 (reasons, key);
  if (when == 0)
    return;
  g_autofree char *text = herd_ctl_format_time (ctl, when);
  herd_ctl_table_add_pair (table, label, HERD_CTL_PLAIN, "%s", text);
}

static void
add_text (HerdCtlTable *table, const char *label, HerdCtlColour colour, GVariant *reasons,
          const char *key)
{
  const char *text = herd_ctl_get_text (reasons, key);
  if (*text != '\0')
    herd_ctl_table_add_pair (table, label, colour, "%s", text);
}

static void
add_rule (HerdCtl *ctl, HerdCtlTable *table, GVariant *reasons)
{
  if (*herd_ctl_get_text (reasons, "rule") == '\0')
    return;
  g_autofree char *when = herd_ctl_format_time (ctl, herd_ctl_get_int64 (reasons, "rule-time"));
  herd_ctl_table_add_pair (table, _ ("Rule"), HERD_CTL_PLAIN, "%s: %s, %s",
                           herd_ctl_get_text (reasons, "rule"),
                           herd_ctl_get_text (reasons, "rule-reason"), when);
  add_time (ctl, table, _ ("Valid until"), reasons, "not-after");
}

static void
add_suggestion (HerdCtl *ctl, HerdCtlTable *table, GVariant *reasons)
{
  if (herd_ctl_get_int64 (reasons, "window-start") != 0) {
    g_autofree char *from = herd_ctl_format_time (ctl,
                                                  herd_ctl_get_int64 (reasons, "window-start"));
    g_autofree char *to = herd_ctl_format_time (ctl, herd_ctl_get_int64 (reasons, "window-end"));
    herd_ctl_table_add_pair (table, _ ("The CA suggests"), HERD_CTL_PLAIN, _ ("%s to %s"), from,
                             to);
  }
  add_time (ctl, table, _ ("Picked in that"), reasons, "pick");
  add_time (ctl, table, _ ("Not sooner than"), reasons, "not-sooner-than");
  add_text (table, _ ("The CA explains"), HERD_CTL_PLAIN, reasons, "explanation-url");
  add_text (table, _ ("No suggestion"), HERD_CTL_BUSY, reasons, "suggestion-problem");
  add_time (ctl, table, _ ("The CA was asked"), reasons, "asked-at");
  add_time (ctl, table, _ ("It is asked again"), reasons, "ask-at");
}

static void
add_failures (HerdCtl *ctl, HerdCtlTable *table, GVariant *reasons)
{
  guint failures = 0;
  g_variant_lookup (reasons, "failures", "u", &failures);
  if (failures > 0)
    herd_ctl_table_add_pair (table, _ ("Failed attempts"), HERD_CTL_BAD, "%u", failures);
  add_text (table, _ ("Last error"), HERD_CTL_BAD, reasons, "error-message");
  add_time (ctl, table, _ ("It was then"), reasons, "error-time");
  add_time (ctl, table, _ ("No attempt before"), reasons, "retry-at");
}

static void
print_reasons (HerdCtl *ctl, GVariant *reasons)
{
  g_autoptr (HerdCtlTable) table = herd_ctl_table_new (2, NULL);
  g_autofree char *when = herd_ctl_format_time (ctl, herd_ctl_get_int64 (reasons, "time"));
  herd_ctl_table_add_pair (table, _ ("Next"), HERD_CTL_STRONG, "%s %s",
                           herd_ctl_get_text (reasons, "action"), when);
  add_text (table, _ ("Why"), HERD_CTL_PLAIN, reasons, "reason");
  add_rule (ctl, table, reasons);
  add_suggestion (ctl, table, reasons);
  add_failures (ctl, table, reasons);
  herd_ctl_table_print (table, ctl, 0);
}

HerdCtlStatus
herd_ctl_why (HerdCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  if (!herd_ctl_parse (
          ctl, NULL, N_ ("Says what happens next with a certificate, when, and what led to that."),
          1, &error))
    return herd_ctl_fail (ctl, error);
  g_autofree char *path = herd_ctl_find (ctl, "GetCertificate", ctl->arguments[1], &error);
  if (path != NULL)
    reply = herd_ctl_call (ctl, path, HERD_CTL_CERTIFICATE, "Explain", NULL, "(a{sv})", &error);
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) reasons = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    herd_ctl_json_print_object (herd_ctl_json_new (reasons), FALSE);
  else
    print_reasons (ctl, reasons);
  return HERD_CTL_OK;
}
