// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * JSON that a CA sent: parsed with bounds, read with types checked. Everything here names the
 * object (WHAT: "order", "directory") and the member in its errors, which are HERD_ERROR_REFUSED.
 * A member that is null counts as absent.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define HERD_JSON_DEPTH_MAX 16

/* The object in BYTES. Refused: not UTF-8, not JSON, not an object, nested deeper than
 * HERD_JSON_DEPTH_MAX (found before the recursive parser sees it), a member twice. */
JsonObject *herd_json_parse (GBytes *bytes, const char *what, GError **error);

/* These leave *VALUE untouched and return TRUE if MEMBER is absent. Strings are OBJECT's. */
gboolean herd_json_get_string (JsonObject *object, const char *what, const char *member,
                               const char **value, GError **error);
gboolean herd_json_get_boolean (JsonObject *object, const char *what, const char *member,
                                gboolean *value, GError **error);
gboolean herd_json_get_object (JsonObject *object, const char *what, const char *member,
                               JsonObject **value, GError **error);
/* An array of at most LIMIT strings; a new NULL-terminated vector. */
gboolean herd_json_get_strings (JsonObject *object, const char *what, const char *member,
                                guint limit, char ***value, GError **error);
/* An array of at most LIMIT objects; the container is new, its elements are OBJECT's. */
gboolean herd_json_get_objects (JsonObject *object, const char *what, const char *member,
                                guint limit, GPtrArray **value, GError **error);

/* A string that must be there: NULL with ERROR if it is absent. OBJECT's. */
const char *herd_json_need_string (JsonObject *object, const char *what, const char *member,
                                   GError **error);

/* The compact text of OBJECT. */
char *herd_json_to_text (JsonObject *object);

G_END_DECLS
