// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The command check: a preflight, and its findings as a table. Owned by certherdctl; one thread.
 */
#include <glib/gi18n.h>

#include "ctl/output.h"

static HerdCtlColour
get_colour (const char *severity)
{
  if (g_str_equal (severity, "ok"))
    return HERD_CTL_GOOD;
  if (g_str_equal (severity, "warning"))
    return HERD_CTL_BUSY;
  return g_str_equal (severity, "error") ? HERD_CTL_BAD : HERD_CTL_PLAIN;
}

static gboolean
is_bad (GVariant *finding)
{
  const char *severity = herd_ctl_get_text (finding, "severity");
  return g_str_equal (severity, "warning") || g_str_equal (severity, "error");
}

GVariant *
herd_ctl_get_findings (GVariant *operation)
{
  g_autoptr (GVariant) result = NULL;
  GVariant *findings = NULL;
  if (operation != NULL)
    result = g_variant_lookup_value (operation, "Result", G_VARIANT_TYPE_VARDICT);
  if (result != NULL)
    findings = g_variant_lookup_value (result, "findings", G_VARIANT_TYPE ("aa{sv}"));
  return findings != NULL
             ? findings
             : g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE_VARDICT, NULL, 0));
}

char *
herd_ctl_format_subject (GVariant *finding)
{
  const char *identifier = herd_ctl_get_text (finding, "identifier");
  const char *issuer = herd_ctl_get_text (finding, "issuer");
  return g_strconcat (identifier, *identifier != '\0' && *issuer != '\0' ? ", " : "", issuer, NULL);
}

void
herd_ctl_print_findings (HerdCtl *ctl, GVariant *findings)
{
  const char *headings[] = { _ ("RESULT"), _ ("CHECK"), _ ("FOR"), _ ("WHAT IS KNOWN") };
  g_autoptr (HerdCtlTable) table = herd_ctl_table_new (G_N_ELEMENTS (headings), headings);
  for (gsize i = 0; i < g_variant_n_children (findings); i++) {
    g_autoptr (GVariant) finding = g_variant_get_child_value (findings, i);
    const char *severity = herd_ctl_get_text (finding, "severity");
    g_autofree char *subject = herd_ctl_format_subject (finding);
    herd_ctl_table_add (table, get_colour (severity), severity);
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (finding, "check"));
    herd_ctl_table_add (table, HERD_CTL_PLAIN, *subject != '\0' ? subject : "-");
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (finding, "message"));
  }
  herd_ctl_table_print (table, ctl, 0);
}

/* Shows what the ended OPERATION found. */
static HerdCtlStatus
show_findings (HerdCtl *ctl, GVariant *operation)
{
  g_autoptr (GVariant) findings = herd_ctl_get_findings (operation);
  HerdCtlStatus status = HERD_CTL_OK;
  for (gsize i = 0; i < g_variant_n_children (findings); i++) {
    g_autoptr (GVariant) finding = g_variant_get_child_value (findings, i);
    if (is_bad (finding))
      status = HERD_CTL_FINDINGS;
  }
  if (ctl->json)
    herd_ctl_json_print (json_gvariant_serialize (findings), FALSE);
  else
    herd_ctl_print_findings (ctl, findings);
  return status;
}

typedef struct {
  char **identifiers;
  char **issuers;
  char **challenges;
} Wish;

static void
wish_clear (Wish *wish)
{
  g_strfreev (wish->identifiers);
  g_strfreev (wish->issuers);
  g_strfreev (wish->challenges);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wish, wish_clear)

/* The argument of Preflight. Floating. */
static GVariant *
make_parameters (const Wish *wish, const char *name)
{
  g_auto (GVariantDict) spec = G_VARIANT_DICT_INIT (NULL);
  if (name != NULL)
    g_variant_dict_insert (&spec, "certificate", "s", name);
  if (wish->identifiers != NULL)
    g_variant_dict_insert (&spec, "identifiers", "^as", wish->identifiers);
  if (wish->issuers != NULL)
    g_variant_dict_insert (&spec, "issuer", "^as", wish->issuers);
  if (wish->challenges != NULL)
    g_variant_dict_insert (&spec, "challenge", "^as", wish->challenges);
  return g_variant_new ("(@a{sv})", g_variant_dict_end (&spec));
}

static HerdCtlStatus
check (HerdCtl *ctl, const Wish *wish, const char *name)
{
  const char *label = name != NULL ? name : wish->identifiers[0];
  g_autoptr (GVariant) operation = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = herd_ctl_call (ctl, HERD_CTL_ROOT, HERD_CTL_AGENT, "Preflight",
                                              make_parameters (wish, name), "(o)", &error);
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  const char *path;
  g_variant_get (reply, "(&o)", &path);
  HerdCtlStatus status = herd_ctl_follow (ctl, path, label, &operation);
  if (status == HERD_CTL_OK)
    return show_findings (ctl, operation);
  if (operation != NULL && !g_str_equal (herd_ctl_get_text (operation, "State"), "running"))
    herd_ctl_report_failure (ctl, label, operation);
  return status;
}

HerdCtlStatus
herd_ctl_check (HerdCtl *ctl)
{
  g_auto (Wish) wish = { 0 };
  const GOptionEntry options[] = {
    { "identifier", 'd', 0, G_OPTION_ARG_STRING_ARRAY, &wish.identifiers,
      N_ ("A DNS name or IP address (repeat)"), N_ ("ID") },
    { "issuer", 'i', 0, G_OPTION_ARG_STRING_ARRAY, &wish.issuers, N_ ("Who issues"),
      N_ ("ISSUER") },
    { "challenge", 'c', 0, G_OPTION_ARG_STRING_ARRAY, &wish.challenges,
      N_ ("How control is proved (repeat)"), N_ ("SOLVER") },
    { 0 },
  };
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse_some (ctl, options,
                            N_ ("Finds out what would become of an attempt, without spending one: "
                                "for a certificate as it is wished for, or for other names. What "
                                "is seen is seen from here; a CA looks from outside."),
                            0, 1, &error))
    return herd_ctl_fail (ctl, error);
  const char *name = ctl->arguments[1];
  if (name == NULL && wish.identifiers == NULL) {
    g_set_error (&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("check: the name is missing; name a certificate, or use --identifier"));
    return herd_ctl_fail (ctl, error);
  }
  return check (ctl, &wish, name);
}
