// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The commands show and version: everything that anyone may know of one certificate; what this
 * program and the agent are. Owned by certherdctl; one thread.
 */
#include <glib/gi18n.h>

#include "herd-config.h"

#include "ctl/output.h"

/* The names of the issuers, in the order in which they are tried. */
static char **
get_issuer_names (HerdCtl *ctl, GVariant *properties)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree const char **paths = NULL;
  g_variant_lookup (properties, "Issuers", "^a&o", &paths);
  for (const char **path = paths; path != NULL && *path != NULL; path++) {
    g_autofree char *name = herd_ctl_get_string (ctl, *path, HERD_CTL_ISSUER, "Name");
    g_strv_builder_add (builder, name != NULL ? name : *path);
  }
  return g_strv_builder_end (builder);
}

static JsonArray *
strv_to_json (char **list)
{
  JsonArray *array = json_array_new ();
  for (; *list != NULL; list++)
    json_array_add_string_element (array, *list);
  return array;
}

static char *
format_kept (GVariant *properties)
{
  GString *kept = g_string_new (NULL);
  g_autoptr (GVariant)
      list = g_variant_lookup_value (properties, "Generations", G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; list != NULL && i < g_variant_n_children (list); i++) {
    g_autoptr (GVariant) generation = g_variant_get_child_value (list, i);
    gboolean rejected = FALSE;
    g_variant_lookup (generation, "rejected", "b", &rejected);
    const char *revoked = herd_ctl_get_text (generation, "revoked");
    g_string_append_printf (kept, "%s%" G_GUINT64_FORMAT "%s%s", i > 0 ? ", " : "",
                            herd_ctl_get_uint64 (generation, "generation"),
                            rejected ? _ (" (rejected)") : "",
                            *revoked != '\0' ? _ (" (revoked)") : "");
  }
  return g_string_free (kept, FALSE);
}

static void
add_facts (HerdCtl *ctl, HerdCtlTable *table, GVariant *properties)
{
  guint64 generation = herd_ctl_get_uint64 (properties, "Generation");
  if (generation == 0)
    return;
  g_autofree char *ends = herd_ctl_format_time (ctl, herd_ctl_get_int64 (properties, "NotAfter"));
  g_autofree char *kept = format_kept (properties);
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, generation);
  herd_ctl_table_add_pair (table, _ ("Generation"), HERD_CTL_PLAIN, _ ("%s (kept: %s)"), number,
                           kept);
  herd_ctl_table_add_pair (table, _ ("Valid until"), HERD_CTL_PLAIN, "%s", ends);
  herd_ctl_table_add_pair (table, _ ("Issued by"), HERD_CTL_PLAIN, "%s",
                           herd_ctl_get_text (properties, "IssuedBy"));
  herd_ctl_table_add_pair (table, _ ("Serial"), HERD_CTL_PLAIN, "%s",
                           herd_ctl_get_text (properties, "Serial"));
  herd_ctl_table_add_pair (table, _ ("SHA-256"), HERD_CTL_PLAIN, "%s",
                           herd_ctl_get_text (properties, "Fingerprint"));
}

static void
add_schedule (HerdCtl *ctl, HerdCtlTable *table, GVariant *properties)
{
  g_autofree char *when = herd_ctl_format_time (ctl,
                                                herd_ctl_get_int64 (properties, "NextActionTime"));
  const char *reason = herd_ctl_get_text (properties, "NextActionReason");
  herd_ctl_table_add_pair (table, _ ("Next"), HERD_CTL_PLAIN, "%s %s%s%s",
                           herd_ctl_get_text (properties, "NextAction"), when,
                           *reason != '\0' ? ": " : "", reason);
  if (*herd_ctl_get_text (properties, "LastError") == '\0')
    return;
  g_autofree char *failed = herd_ctl_format_time (ctl,
                                                  herd_ctl_get_int64 (properties, "LastErrorTime"));
  herd_ctl_table_add_pair (table, _ ("Last error"), HERD_CTL_BAD, "%s: %s", failed,
                           herd_ctl_get_text (properties, "LastErrorMessage"));
}

/* Issuers that are not asked before their time. */
static void
add_backoffs (HerdCtl *ctl, HerdCtlTable *table, GVariant *properties)
{
  g_autoptr (GVariant)
      list = g_variant_lookup_value (properties, "Backoffs", G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; list != NULL && i < g_variant_n_children (list); i++) {
    g_autoptr (GVariant) backoff = g_variant_get_child_value (list, i);
    gint64 retry_at = herd_ctl_get_int64 (backoff, "retry-at");
    g_autofree char *when = herd_ctl_format_time (ctl, retry_at);
    herd_ctl_table_add_pair (table, _ ("Back-off"), HERD_CTL_BAD, "%s: %s", when,
                             herd_ctl_get_text (backoff, "message"));
  }
}

static void
add_operation (HerdCtl *ctl, HerdCtlTable *table, GVariant *properties)
{
  const char *path = herd_ctl_get_text (properties, "Operation");
  if (!g_variant_is_object_path (path) || g_str_equal (path, "/"))
    return;
  g_autofree char *step = herd_ctl_get_string (ctl, path, HERD_CTL_OPERATION, "Step");
  if (step != NULL)
    herd_ctl_table_add_pair (table, _ ("Now"), HERD_CTL_BUSY, "%s: %s", step,
                             herd_ctl_step_describe (step));
}

/* "3, proved"; "2 → 3" while a target has not what it is to have. */
static char *
format_applied (GVariant *delivery)
{
  guint64 applied = herd_ctl_get_uint64 (delivery, "applied");
  guint64 wanted = herd_ctl_get_uint64 (delivery, "wanted");
  gboolean proved = applied != 0 && herd_ctl_get_uint64 (delivery, "proved") == applied;
  GString *text = g_string_new (NULL);
  g_string_append_printf (text, "%" G_GUINT64_FORMAT, applied);
  if (applied != wanted)
    g_string_append_printf (text, " → %" G_GUINT64_FORMAT, wanted);
  else if (proved)
    g_string_append (text, _ (", proved"));
  return g_string_free (text, FALSE);
}

static void
print_deliveries (HerdCtl *ctl, GVariant *properties)
{
  g_autoptr (GVariant)
      list = g_variant_lookup_value (properties, "Deliveries", G_VARIANT_TYPE ("aa{sv}"));
  if (list == NULL || g_variant_n_children (list) == 0)
    return;
  const char *headings[] = { _ ("TARGET"), _ ("STATE"), _ ("GENERATION"), _ ("SINCE"),
                             _ ("MESSAGE") };
  g_autoptr (HerdCtlTable) table = herd_ctl_table_new (G_N_ELEMENTS (headings), headings);
  for (gsize i = 0; i < g_variant_n_children (list); i++) {
    g_autoptr (GVariant) delivery = g_variant_get_child_value (list, i);
    const char *state = herd_ctl_get_text (delivery, "state");
    g_autofree char *generation = format_applied (delivery);
    gint64 began = herd_ctl_get_int64 (delivery, "since");
    g_autofree char *since = began != 0 ? herd_ctl_format_relative (ctl->now, began) : NULL;
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (delivery, "target"));
    herd_ctl_table_add (table, herd_ctl_state_colour (state), state);
    herd_ctl_table_add (table, HERD_CTL_PLAIN, generation);
    herd_ctl_table_add (table, HERD_CTL_PLAIN, since != NULL ? since : "-");
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (delivery, "message"));
  }
  g_print ("\n");
  herd_ctl_table_print (table, ctl, 0);
}

static void
print_certificate (HerdCtl *ctl, GVariant *properties)
{
  g_autoptr (HerdCtlTable) table = herd_ctl_table_new (2, NULL);
  const char *state = herd_ctl_get_text (properties, "State");
  g_autofree char *identifiers = herd_ctl_get_joined (properties, "Identifiers");
  g_auto (GStrv) issuers = get_issuer_names (ctl, properties);
  g_autofree char *joined = g_strjoinv (", ", issuers);
  guint32 owner = 0;
  g_variant_lookup (properties, "Owner", "u", &owner);
  herd_ctl_table_add_pair (table, _ ("Name"), HERD_CTL_STRONG, "%s",
                           herd_ctl_get_text (properties, "Name"));
  herd_ctl_table_add_pair (table, _ ("State"), herd_ctl_state_colour (state), "%s, %s", state,
                           herd_ctl_get_text (properties, "Activity"));
  herd_ctl_table_add_pair (table, _ ("Identifiers"), HERD_CTL_PLAIN, "%s", identifiers);
  herd_ctl_table_add_pair (table, _ ("Issuer"), HERD_CTL_PLAIN, "%s", joined);
  herd_ctl_table_add_pair (table, _ ("Key type"), HERD_CTL_PLAIN, "%s",
                           herd_ctl_get_text (properties, "KeyType"));
  herd_ctl_table_add_pair (table, _ ("Owner"), HERD_CTL_PLAIN, _ ("uid %u (%s)"), owner,
                           herd_ctl_get_text (properties, "Origin"));
  add_facts (ctl, table, properties);
  add_schedule (ctl, table, properties);
  add_backoffs (ctl, table, properties);
  add_operation (ctl, table, properties);
  herd_ctl_table_print (table, ctl, 0);
  print_deliveries (ctl, properties);
}

HerdCtlStatus
herd_ctl_show (HerdCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, NULL, N_ ("Shows one certificate."), 1, &error))
    return herd_ctl_fail (ctl, error);
  g_autofree char *path = herd_ctl_find (ctl, "GetCertificate", ctl->arguments[1], &error);
  g_autoptr (GVariant)
      properties = path != NULL ? herd_ctl_get_all (ctl, path, HERD_CTL_CERTIFICATE, &error) : NULL;
  if (properties == NULL)
    return herd_ctl_fail (ctl, error);
  if (!ctl->json) {
    print_certificate (ctl, properties);
    return HERD_CTL_OK;
  }
  g_auto (GStrv) issuers = get_issuer_names (ctl, properties);
  JsonObject *object = herd_ctl_json_new (properties);
  json_object_set_string_member (object, "path", path);
  json_object_set_array_member (object, "issuers", strv_to_json (issuers));
  herd_ctl_json_print_object (object, FALSE);
  return HERD_CTL_OK;
}

/* ---- version ------------------------------------------------------------------------------- */

HerdCtlStatus
herd_ctl_version (HerdCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, NULL, N_ ("Says which version this is, and which one the agent is."), 0,
                       &error))
    return herd_ctl_fail (ctl, error);
  if (!ctl->json)
    g_print ("certherdctl %s\n", HERD_VERSION);
  g_autoptr (GVariant) agent = herd_ctl_get_all (ctl, HERD_CTL_ROOT, HERD_CTL_AGENT, &error);
  if (agent == NULL)
    return herd_ctl_fail (ctl, error);
  const char *version = herd_ctl_get_text (agent, "Version");
  const char *at_rest = herd_ctl_get_text (agent, "AtRest");
  g_autofree char *features = herd_ctl_get_joined (agent, "Features");
  if (ctl->json) {
    JsonObject *object = herd_ctl_json_new (agent);
    json_object_set_string_member (object, "certherdctl", HERD_VERSION);
    herd_ctl_json_print_object (object, FALSE);
    return HERD_CTL_OK;
  }
  g_autofree char *text = g_strdup_printf (_ ("certherd %s (%s), keys at rest: %s"), version,
                                           features, at_rest);
  g_autofree char *clean = herd_ctl_clean (text);
  g_print ("%s\n", clean);
  return HERD_CTL_OK;
}
