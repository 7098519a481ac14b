// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What certherdctl prints: cleaned text, relative times, tables for people, JSON for programs.
 * Everything that comes from the bus passes herd_ctl_clean() before a terminal sees it: names and
 * messages may be a CA's, and a control character could say something else than was said.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl/ctl.h"

G_BEGIN_DECLS

typedef enum {
  HERD_CTL_PLAIN,
  HERD_CTL_GOOD,
  HERD_CTL_BUSY,
  HERD_CTL_BAD,
  HERD_CTL_STRONG,
} HerdCtlColour;

/* TEXT with control, format and separator characters escaped, and made valid UTF-8. */
char *herd_ctl_clean (const char *text);
/* "in 59 days", "3 hours ago", "now"; in the user's language. */
char *herd_ctl_format_relative (gint64 now, gint64 when);
/* "2031-05-04 03:02 (in 59 days)", local time; "-" for 0. */
char *herd_ctl_format_time (HerdCtl *ctl, gint64 when);
/* What colour a State, an Activity, a Delivery's or an Operation's state has. */
HerdCtlColour herd_ctl_state_colour (const char *state);
/* The sequence that begins COLOUR, and the one that ends it; "" without colour. */
const char *herd_ctl_colour_on (const HerdCtl *ctl, HerdCtlColour colour);
const char *herd_ctl_colour_off (const HerdCtl *ctl, HerdCtlColour colour);

/* A table: cells are added row by row, left to right. */
typedef struct HerdCtlTable HerdCtlTable;
/* HEADINGS are translated already; NULL: COLUMNS columns without a head. */
HerdCtlTable *herd_ctl_table_new (guint columns, const char *const *headings);
void herd_ctl_table_add (HerdCtlTable *table, HerdCtlColour colour, const char *text);
/* A row of two: LABEL, and a text that is made here. */
void herd_ctl_table_add_pair (HerdCtlTable *table, const char *label, HerdCtlColour colour,
                              const char *format, ...) G_GNUC_PRINTF (4, 5);
void herd_ctl_table_print (HerdCtlTable *table, const HerdCtl *ctl, guint indent);
void herd_ctl_table_free (HerdCtlTable *table);

/* Members of an a{sv}: the value of a key and type, or the fallback. Strings live as long as the
 * dictionary. */
const char *herd_ctl_get_text (GVariant *dictionary, const char *key);
gint64 herd_ctl_get_int64 (GVariant *dictionary, const char *key);
guint64 herd_ctl_get_uint64 (GVariant *dictionary, const char *key);
/* A list of strings, with ", " between them. */
char *herd_ctl_get_joined (GVariant *dictionary, const char *key);

/* A dictionary of properties as an object: the names in the words of the configuration, "NotAfter"
 * as "not-after". */
JsonObject *herd_ctl_json_new (GVariant *properties);
/* Prints and frees it: on one line for "watch", indented otherwise. */
void herd_ctl_json_print (JsonNode *node, gboolean one_line);
void herd_ctl_json_print_object (JsonObject *object, gboolean one_line);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdCtlTable, herd_ctl_table_free)

G_END_DECLS
