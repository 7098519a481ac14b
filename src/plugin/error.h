// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The one error domain. Errors of other domains (GIO, GnuTLS, SQLite, libsoup) are translated where
 * they enter; every message names the thing, the cause and the next step. On the bus a code is
 * org.certherd.Error.NAME.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  HERD_ERROR_FAILED,           /* anything else, and what only a developer can mend */
  HERD_ERROR_INVALID_ARGUMENT, /* the caller's, or the configuration's, words are wrong */
  HERD_ERROR_NOT_FOUND,
  HERD_ERROR_EXISTS,
  HERD_ERROR_NOT_AUTHORIZED,
  HERD_ERROR_BUSY,        /* something is under way; try again */
  HERD_ERROR_UNREACHABLE, /* the network, a server or a service does not answer */
  HERD_ERROR_RATE_LIMITED,
  HERD_ERROR_REFUSED, /* the CA said no, or said something that must not be believed */
  HERD_ERROR_CHALLENGE_FAILED,
  HERD_ERROR_ACTION_REQUIRED, /* a human has to do something first; the message says what */
  HERD_ERROR_LOCKED,          /* the key-encryption key is not to be had (now) */
  HERD_ERROR_LIMIT_EXCEEDED,  /* a quota or a size */
  HERD_ERROR_CANCELLED,
} HerdError;

#define HERD_ERROR (herd_error_quark ())
/* Registers the D-Bus names at its first call. */
GQuark herd_error_quark (void);

/* What to do about an error. Nobody but herd_error_class() decides it. */
typedef enum {
  HERD_ERROR_CLASS_IMMEDIATE, /* at once, a bounded number of times (badNonce) */
  HERD_ERROR_CLASS_TIMED,     /* not before herd_error_get_retry_at() */
  HERD_ERROR_CLASS_BACKOFF,   /* later, ever more rarely */
  HERD_ERROR_CLASS_HUMAN,     /* when somebody has acted */
  HERD_ERROR_CLASS_PERMANENT, /* not as it is: the wish, or the world, has to change */
} HerdErrorClass;

HerdErrorClass herd_error_class (const GError *error);
/* A word for it: "immediate", "timed", "backoff", "human", "permanent". */
const char *herd_error_class_to_string (HerdErrorClass error_class);

/* What a CA's problem document said (RFC 7807, RFC 8555 section 6.7), already cleaned by
 * text_from_remote. Any string may be NULL. */
typedef struct {
  const char *type;       /* the last part of urn:ietf:params:acme:error:TYPE, or NULL if unknown */
  const char *detail;     /* the CA's words */
  guint status;           /* HTTP, 0 = none */
  const char *instance;   /* a URL for a human */
  const char *terms;      /* the URL of changed terms of service (RFC 8555 section 7.3.3) */
  const char *identifier; /* which name it is about */
  GVariant *parts;        /* aa{sv} of herd_error_new_part(): each identifier's (RFC 8555 section
                             6.7.1); floating or not; NULL: nothing but this is said */
  gint64 retry_at;        /* seconds since the epoch, 0 = not said; already capped */
  gboolean needs_human;   /* the CA asks for somebody, whatever its type says */
} HerdProblem;

/* An error for PROBLEM, its code from the table of RFC 8555 section 6.7 (and later
 * registrations), its message "WHAT: identifier: detail (type)" and the next step where there is
 * one. */
GError *herd_error_new_problem (const HerdProblem *problem, const char *what);

/* Of an error in this domain; 0, NULL where it has none, or is of another domain. */
gint64 herd_error_get_retry_at (const GError *error);
const char *herd_error_get_problem_type (const GError *error);
const char *herd_error_get_instance (const GError *error);
const char *herd_error_get_terms (const GError *error);
const char *herd_error_get_identifier (const GError *error);
guint herd_error_get_status (const GError *error);

/* Rows that an error has at most. */
#define HERD_ERROR_PARTS_MAX 128

/* a{sv}: identifier s ("": of none), type s, detail s; any may be NULL. Cleaned by text_from_remote.
 * Floating. */
GVariant *herd_error_new_part (const char *identifier, const char *type, const char *detail);
/* aa{sv}: what the CA said of each identifier; NULL: of none. ERROR's. */
GVariant *herd_error_get_parts (const GError *error);
/* ERROR (of this domain) says what OTHER says of its identifiers too. */
void herd_error_add_parts (GError *error, const GError *other);
/* Sets when ERROR (of this domain) may be tried again; makes a back-off a timed one. */
void herd_error_set_retry_at (GError *error, gint64 retry_at);

/* Turns *ERROR (of any domain) into one of this domain with CODE and the message "FORMAT…: old
 * message". A cancellation becomes HERD_ERROR_CANCELLED. One that is of this domain already keeps
 * its code and what it carries, and only gets the prefix. No-op if ERROR or *ERROR is NULL. */
void herd_error_translate (GError **error, HerdError code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* "org.certherd.Error.NAME" of ERROR, of any domain; never NULL for an error, "" for NULL. */
const char *herd_error_get_name (const GError *error);

G_END_DECLS
