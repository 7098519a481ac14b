// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a preflight found out: sentences for people, with what they are about. A list that only grows; plain
 * values.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  HERD_SEVERITY_OK,
  HERD_SEVERITY_NOTICE,  /* to be known; nothing to be done */
  HERD_SEVERITY_WARNING, /* an attempt may fail */
  HERD_SEVERITY_ERROR,   /* an attempt will fail, as far as can be seen from here */
} HerdSeverity;

typedef struct HerdFindings HerdFindings;

HerdFindings *herd_findings_new (void);
void herd_findings_free (HerdFindings *findings);

/* IDENTIFIER "": about an issuer or this machine. CHECK: what was looked at, a word of Operation1's XML.
 * The message names the cause and the next step; it is cleaned, and cut after 2 KiB. */
void herd_findings_add (HerdFindings *findings, const char *identifier, const char *check,
                        HerdSeverity severity, const char *format, ...) G_GNUC_PRINTF (5, 6);
/* The same of one ISSUER, by its name: others of the wish may find it otherwise. */
void herd_findings_add_for (HerdFindings *findings, const char *issuer, const char *identifier,
                            const char *check, HerdSeverity severity, const char *format, ...)
    G_GNUC_PRINTF (6, 7);

/* aa{sv}: identifier s, check s, severity s, message s, and issuer s where it is about one. (transfer full, not floating) */
GVariant *herd_findings_to_variant (const HerdFindings *findings);
/* Of such an aa{sv}, the warnings and errors. (transfer full, not floating) */
GVariant *herd_findings_select_bad (GVariant *findings);

/* The check of what a CA said in the end. */
#define HERD_CHECK_CA "ca"

/* FINDINGS (NULL: none), and before them what a CA said of each identifier (herd_error_get_parts()): such
 * rows have a type s too. (transfer full, not floating) */
GVariant *herd_findings_add_parts (GVariant *findings, GVariant *parts);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdFindings, herd_findings_free)

G_END_DECLS
