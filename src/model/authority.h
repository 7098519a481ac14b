// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An authority: the row behind an Issuer1 object (the contract that does the work is HerdIssuer in
 * src/plugin/issuer.h): its name, where it comes from, and what its account looks like.
 */
#pragma once

#include "plugin/issuer.h"

G_BEGIN_DECLS

typedef struct {
  guint64 id;
  char *name;
  char *kind;         /* "acme" */
  gboolean from_file; /* declared in issuers.d; otherwise added over the bus */
  gboolean retired;   /* its section vanished */
  GVariant *settings; /* a{sv}, normal form of [issuer NAME] */
  gint64 created;

  /* Not saved. */
  HerdAccount *account; /* as the engine last told; never NULL */
  char *last_error;     /* D-Bus name; "" = none */
  char *last_error_message;
  gint64 retry_at;
  guint64 operation; /* the running registration's id, 0 = none */
  guint64 revision;
} HerdAuthority;

HerdAuthority *herd_authority_new (guint64 id, const char *name, const char *kind,
                                   GVariant *settings);
void herd_authority_free (HerdAuthority *authority);
/* Makes AUTHORITY what SAVED (taken; of the same id) is, but for what is not saved. */
void herd_authority_restore (HerdAuthority *authority, HerdAuthority *saved);
/* A string of the settings, or FALLBACK. */
const char *herd_authority_get_setting (const HerdAuthority *authority, const char *key,
                                        const char *fallback);
/* Can its CA do CAPABILITY ("ari" …), as far as that is known? */
gboolean herd_authority_can (const HerdAuthority *authority, const char *capability);
/* ERROR NULL clears. */
void herd_authority_set_error (HerdAuthority *authority, const char *error, const char *message,
                               gint64 retry_at);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdAuthority, herd_authority_free)

G_END_DECLS
