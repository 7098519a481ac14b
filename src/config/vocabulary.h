// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The vocabulary: every key that a section of the configuration, or an a{sv} on the bus, may have,
 * with its type, its check and its normal form, in one table. What is not in it is refused with an
 * error that lists what is.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  HERD_SECTION_AGENT,
  HERD_SECTION_CERTIFICATE,
  HERD_SECTION_ISSUER,
  HERD_SECTION_TARGET,
  HERD_SECTION_SOLVER,
  /* Of a preset's file (config/preset.h), not of the configuration. */
  HERD_SECTION_PRESET,
  HERD_SECTION_LIMIT,
} HerdSection;

/* Where values come from decides what they may say: no value from the system bus is a path, a
 * command, a host or a port. */
typedef enum {
  HERD_SOURCE_FILE, /* the administrator's files, and a --session instance's own bus */
  HERD_SOURCE_BUS,
} HerdSource;

const char *herd_section_to_string (HerdSection section);

/* "[a-z0-9][a-z0-9._-]{0,63}", and not "." or ".." at its end: fit for a file name. */
gboolean herd_name_check (const char *what, const char *name, GError **error);

/* A DNS name or an IP address in its normal form: IDN to A-labels (IDNA 2008 / UTS 46, libidn2),
 * lower case, no trailing dot; one "*." allowed in front. Errors name the identifier, the cause
 * and what is allowed: empty, longer than 253 bytes, a label that is empty, longer than 63, or
 * has characters or hyphens in the wrong place, "*" elsewhere, a single label, an all-numeric
 * last label, an IP address with a zone. */
char *herd_identifier_normalize (const char *text, GError **error);

/* Checks a dictionary a{sv} against SECTION, and returns it in normal form: keys sorted,
 * identifiers and names normalised, nothing added (transfer full, not floating). Errors:
 * HERD_ERROR_INVALID_ARGUMENT, naming the key: unknown (lists the known ones), of a wrong variant
 * type (says which is right), a bad value (says what is allowed), a key that SOURCE may not set.
 */
GVariant *herd_vocabulary_check (HerdSection section, HerdSource source, GVariant *dictionary,
                                 GError **error);

/* The same for one key. (transfer full, not floating) */
GVariant *herd_vocabulary_check_value (HerdSection section, HerdSource source, const char *key,
                                       GVariant *value, GError **error);

/* One key's text, from a file, as the variant of its type (lists separated by white space or
 * ";"). Does not check the value: herd_vocabulary_check() does. */
GVariant *herd_vocabulary_parse (HerdSection section, const char *key, const char *text,
                                 GError **error);

/* Is KEY one that SOURCE may set? For lists of keys to unset. Errors as above. */
gboolean herd_vocabulary_check_key (HerdSection section, HerdSource source, const char *key,
                                    GError **error);
/* In a file the value is the absolute path of a file; its contents are what is meant, and what
 * the check wants. */
gboolean herd_vocabulary_is_contents (HerdSection section, const char *key);
/* A key without which a new section is incomplete and that is not in VALUES, or NULL. */
const char *herd_vocabulary_find_missing (HerdSection section, GVariant *values);

/* A duration "90s", "15m", "12h", "14d", "2w" in seconds; a percentage "33%" as a fraction. */
gboolean herd_duration_parse (const char *text, gint64 *seconds, GError **error);
gboolean herd_percentage_parse (const char *text, double *fraction, GError **error);

G_END_DECLS
