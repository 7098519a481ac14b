// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The checks that the vocabulary's rows name: each takes one value as it was written and gives it
 * back in its normal form, or says what is allowed. Pure functions; private to src/config.
 */
#pragma once

#include "config/vocabulary.h"

G_BEGIN_DECLS

typedef enum {
  HERD_WORD_LIST = 1 << 0, /* "as"; otherwise "s", or "b" */
  HERD_WORD_SET = 1 << 1,  /* of a list: an entry that is there already is dropped */
  HERD_WORD_MAY_BE_EMPTY = 1 << 2,
  HERD_WORD_FILE_ONLY = 1 << 3, /* never from the system bus: a path, a command, a host, a port */
  HERD_WORD_CONTENTS = 1 << 4,  /* in a file it is the path of a file, whose contents are meant */
  HERD_WORD_REQUIRED = 1 << 5,  /* a section of a file without it is incomplete */
  HERD_WORD_BOOLEAN = 1 << 6,   /* "b"; in a file "yes" or "no" */
} HerdWordFlags;

/* One key of the vocabulary. */
typedef struct HerdWord HerdWord;
struct HerdWord {
  HerdSection section;
  const char *key;
  HerdWordFlags flags;
  /* The normal form of one value, or of the list's entry at INDEX (transfer full). */
  char *(*check) (const HerdWord *word, guint index, const char *text, GError **error);
  gsize limit;              /* bytes of a value, or of an entry */
  guint entries;            /* of a list, at most */
  const char *const *words; /* for herd_check_word() */
  gint64 minimum, maximum;  /* for herd_check_number() and herd_check_duration() */
  const char *help;         /* what it means and what is allowed; part of the errors */
};

/* The keys of [preset] and [limit NAME]. */
extern const HerdWord herd_preset_words[];
extern const guint herd_n_preset_words;

/* The types of keys for certificates, and of those that JWS signs with in src/crypto/jws.h. */
extern const char *const herd_key_types[];
extern const char *const herd_account_key_types[];

char *herd_check_address (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_argument (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_chain (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_contact (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_country (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_directory_url (const HerdWord *word, guint index, const char *text,
                                GError **error);
char *herd_check_duration (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_glob (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_group (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_identifier (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_mode (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_name (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_number (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_path (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_pem (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_probe (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_profile (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_renew (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_terms (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_text (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_unit (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_user (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_zone (const HerdWord *word, guint index, const char *text, GError **error);
char *herd_check_word (const HerdWord *word, guint index, const char *text, GError **error);

/* No control, bidirectional or other invisible characters, valid UTF-8. */
gboolean herd_text_is_clean (const char *text);
/* A host: a DNS name, also of one label, or an IP address; in its normal form. */
char *herd_host_normalize (const char *text, GError **error);
/* "host:port" or "[v6]:port": the host in its normal form, the port from 1 to 65535. */
gboolean herd_address_parse (const char *text, char **host, guint16 *port, GError **error);

G_END_DECLS
