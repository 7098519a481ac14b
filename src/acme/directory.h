// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A CA's directory (RFC 8555 section 7.1.1), as far as the engine uses it. Immutable value; text
 * for people is cleaned, URLs for requests are checked.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where a CA is. */
typedef struct {
  const char *directory_url;
  const char *const *hosts; /* HOST:PORT besides its own that its URLs may name; NULL: none */
} HerdSite;

typedef struct {
  char *new_nonce;
  char *new_account;
  char *new_order;
  char *revoke_cert; /* these three: "" if the CA has none */
  char *key_change;
  char *renewal_info;    /* RFC 9773 */
  char *terms;           /* to show, never to fetch (it may be a data: URL); "" if there are none */
  char *caa_identity;    /* the first of caaIdentities, or "" */
  char **caa_identities; /* not in the record: NULL in one that was read from there */
  gboolean eab_required;
  char **capabilities; /* as Issuer1 shows them */
  GVariant *profiles;  /* a{ss} */
  gint64 fetched;      /* seconds since the epoch */
} HerdDirectory;

/* From an answer of SITE's directory. Errors: HERD_ERROR_REFUSED. */
HerdDirectory *herd_directory_new (GBytes *body, const HerdSite *site, gint64 fetched,
                                   GError **error);
void herd_directory_free (HerdDirectory *directory);
/* The CA cannot do what URL, one of the directory's, is for. */
void herd_directory_forget (HerdDirectory *directory, char **url);

/* The record "directory". NULL if BYTES are not such a record. */
GBytes *herd_directory_to_bytes (const HerdDirectory *directory);
HerdDirectory *herd_directory_new_from_bytes (GBytes *bytes);

/* May a request go to URL, which this CA gave as WHAT: https, and the host and port of its
 * directory, or others that are known of SITE (RFC 8555 allows any; a hostile CA must not choose whom we
 * ask). Errors:
 * HERD_ERROR_REFUSED. */
gboolean herd_directory_check_url (const HerdSite *site, const char *url, const char *what,
                                   GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdDirectory, herd_directory_free)

G_END_DECLS
