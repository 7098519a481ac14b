// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The command list: all certificates, a page at a time, so that neither the agent nor the bus ever
 * carries all of them in one message. Owned by certherdctl; one thread.
 */
#include <glib/gi18n.h>

#include "ctl/output.h"

#define ROWS "a(osssasxxst)"
#define ROW "(&o&s&s&s^a&sxx&st)"
#define PAGE 500

typedef struct {
  const char *path, *name, *state, *activity, *next_action;
  const char **identifiers; /* the array is ours, the strings are the row's */
  gint64 not_after, next_time;
  guint64 generation;
} Row;

static void
row_clear (Row *row)
{
  g_clear_pointer (&row->identifiers, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Row, row_clear)

static void
row_read (Row *row, GVariant *value)
{
  g_variant_get (value, ROW, &row->path, &row->name, &row->state, &row->activity, &row->identifiers,
                 &row->not_after, &row->next_time, &row->next_action, &row->generation);
}

/* All rows that match FILTER: GVariant. */
static GPtrArray *
fetch_rows (HerdCtl *ctl, GVariant *filter, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_autofree char *after = g_strdup ("");
  for (;;) {
    g_autoptr (GVariant) reply = herd_ctl_call (
        ctl, HERD_CTL_ROOT, HERD_CTL_AGENT, "ListCertificates",
        g_variant_new ("(@a{sv}su)", filter, after, PAGE), "(" ROWS "s)", error);
    if (reply == NULL)
      return NULL;
    g_autoptr (GVariant) page = g_variant_get_child_value (reply, 0);
    for (gsize i = 0; i < g_variant_n_children (page); i++)
      g_ptr_array_add (rows, g_variant_get_child_value (page, i));
    g_autofree char *next = NULL;
    g_variant_get_child (reply, 1, "s", &next);
    /* An agent that does not move on would keep us here for ever. */
    if (strcmp (next, after) <= 0)
      return g_steal_pointer (&rows);
    g_free (after);
    after = g_steal_pointer (&next);
  }
}

static void
print_json (GPtrArray *rows)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < rows->len; i++) {
    g_auto (Row) row = { 0 };
    row_read (&row, g_ptr_array_index (rows, i));
    JsonObject *object = json_object_new ();
    JsonArray *identifiers = json_array_new ();
    for (const char **identifier = row.identifiers; *identifier != NULL; identifier++)
      json_array_add_string_element (identifiers, *identifier);
    json_object_set_string_member (object, "path", row.path);
    json_object_set_string_member (object, "name", row.name);
    json_object_set_string_member (object, "state", row.state);
    json_object_set_string_member (object, "activity", row.activity);
    json_object_set_array_member (object, "identifiers", identifiers);
    json_object_set_int_member (object, "not-after", row.not_after);
    json_object_set_int_member (object, "next-action-time", row.next_time);
    json_object_set_string_member (object, "next-action", row.next_action);
    json_object_set_int_member (object, "generation", (gint64) row.generation);
    json_array_add_object_element (array, object);
  }
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);
  json_node_take_array (node, array);
  herd_ctl_json_print (node, FALSE);
}

static void
add_row (HerdCtl *ctl, HerdCtlTable *table, GVariant *value)
{
  g_auto (Row) row = { 0 };
  row_read (&row, value);
  g_autofree char *generation = row.generation != 0
                                    ? g_strdup_printf ("%" G_GUINT64_FORMAT, row.generation)
                                    : NULL;
  g_autofree char *ends = row.not_after != 0 ? herd_ctl_format_relative (ctl->now, row.not_after)
                                             : NULL;
  g_autofree char *when = row.next_time != 0 ? herd_ctl_format_relative (ctl->now, row.next_time)
                                             : NULL;
  g_autofree char *next = when != NULL ? g_strdup_printf ("%s %s", row.next_action, when) : NULL;
  g_autofree char *identifiers = g_strjoinv (" ", (char **) row.identifiers);
  herd_ctl_table_add (table, HERD_CTL_PLAIN, row.name);
  herd_ctl_table_add (table, herd_ctl_state_colour (row.state), row.state);
  herd_ctl_table_add (table, herd_ctl_state_colour (row.activity), row.activity);
  herd_ctl_table_add (table, HERD_CTL_PLAIN, generation != NULL ? generation : "-");
  herd_ctl_table_add (table, HERD_CTL_PLAIN, ends != NULL ? ends : "-");
  herd_ctl_table_add (table, HERD_CTL_PLAIN, next != NULL ? next : "-");
  herd_ctl_table_add (table, HERD_CTL_PLAIN, identifiers);
}

static void
print_table (HerdCtl *ctl, GPtrArray *rows)
{
  if (rows->len == 0) {
    g_print (_ ("No certificates. \"certherdctl request NAME -d ID\" wishes for one.\n"));
    return;
  }
  const char *headings[] = { _ ("NAME"),    _ ("STATE"), _ ("ACTIVITY"),   _ ("GENERATION"),
                             _ ("EXPIRES"), _ ("NEXT"),  _ ("IDENTIFIERS") };
  g_autoptr (HerdCtlTable) table = herd_ctl_table_new (G_N_ELEMENTS (headings), headings);
  for (guint i = 0; i < rows->len; i++)
    add_row (ctl, table, g_ptr_array_index (rows, i));
  herd_ctl_table_print (table, ctl, 0);
}

HerdCtlStatus
herd_ctl_list (HerdCtl *ctl)
{
  g_autofree char *state = NULL, *issuer = NULL, *identifier = NULL;
  const GOptionEntry options[] = {
    { "state", 's', 0, G_OPTION_ARG_STRING, &state,
      N_ ("Only those in this state: none, valid, expired, revoked"), N_ ("STATE") },
    { "issuer", 'i', 0, G_OPTION_ARG_STRING, &issuer, N_ ("Only those of this issuer"),
      N_ ("ISSUER") },
    { "identifier", 'd', 0, G_OPTION_ARG_STRING, &identifier,
      N_ ("Only those for such a name, as in \"*.example.org\""), N_ ("GLOB") },
    { 0 },
  };
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, options, N_ ("Lists the certificates, by name."), 0, &error))
    return herd_ctl_fail (ctl, error);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  if (state != NULL)
    g_variant_dict_insert (&dict, "state", "s", state);
  if (issuer != NULL)
    g_variant_dict_insert (&dict, "issuer", "s", issuer);
  if (identifier != NULL)
    g_variant_dict_insert (&dict, "identifier", "s", identifier);
  g_autoptr (GVariant) filter = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_autoptr (GPtrArray) rows = fetch_rows (ctl, filter, &error);
  if (rows == NULL)
    return herd_ctl_fail (ctl, error);
  if (ctl->json)
    print_json (rows);
  else
    print_table (ctl, rows);
  return HERD_CTL_OK;
}
