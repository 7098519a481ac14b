// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Presets: what is known of public CAs and of CA software, as data (data/issuers). Who composes the
 * program loads them and owns them; immutable from then on. Blocking while loading.
 */
#pragma once

#include "config/config.h"

G_BEGIN_DECLS

/* What a limit counts. */
typedef enum {
  HERD_LIMIT_ACCOUNTS,            /* new accounts of one network address */
  HERD_LIMIT_ACCOUNT,             /* new orders of one account */
  HERD_LIMIT_REGISTERED_DOMAIN,   /* certificates of a registered domain, or address */
  HERD_LIMIT_IDENTIFIER_SET,      /* certificates of exactly the same identifiers */
  HERD_LIMIT_IDENTIFIER_FAILURES, /* failed authorizations of one identifier, of one account */
  HERD_LIMIT_FAILURES_IN_A_ROW, /* the same, but a success empties it; the CA pauses what fills it */
} HerdLimitScope;

/* A bucket of COUNT tokens, full at first; one comes back every REFILL seconds. */
typedef struct {
  const char *name;
  HerdLimitScope scope;
  guint count;
  gint64 refill;
  gboolean renewals_exempt; /* an order for identifiers that were ordered before costs nothing */
  gboolean
      renewal_info_exempt; /* nor does one that replaces a certificate in its RFC 9773 window */
} HerdLimit;

typedef enum {
  HERD_PRESET_EAB_NONE,
  HERD_PRESET_EAB_OPTIONAL,
  HERD_PRESET_EAB_REQUIRED,
} HerdPresetEab;

/* Everything in it is the presets'. Vectors end in NULL and are never NULL; text is clean. */
typedef struct {
  const char *name;
  const char *description;
  const char *directory_url;  /* NULL: it is to be given beside the preset */
  const char *directory_hint; /* what it looks like then; may be NULL */
  const char *staging;        /* the preset for rehearsals, or NULL */
  const char *const *hosts;   /* HOST:PORT, besides the directory's own, that URLs may name */
  HerdPresetEab eab;
  const char *eab_hint; /* may be NULL */
  gboolean contact_required;
  const char *const *caa_identities;
  const char *const *profiles;
  const char *const *account_key_types; /* empty: all */
  const char *const *key_types;         /* empty: all */
  const char *const *identifiers;       /* "dns", "wildcard", "ip"; empty: all */
  const char *const *lacks; /* "key-change", "lifetime", "must-staple", "orders", "renewal-info" */
  gint64 lifetime_minimum;  /* of a wished lifetime, seconds; 0: not known */
  gint64 lifetime_maximum;
  const char *const *replaces_urls;
  GPtrArray *limits; /* const HerdLimit; may be empty */
} HerdPreset;

typedef struct HerdPresets HerdPresets;

/* What the settings of an [issuer] come to; the settings' and the presets'. */
typedef struct {
  const HerdPreset *preset;  /* NULL: nothing is known of this CA */
  const char *directory_url; /* never NULL */
  const char *ended;         /* the URL of the settings, which ended; NULL: it did not */
} HerdPresetMatch;

/* Reads FOLDER/NAME.conf of every preset. Never fails: a file that cannot be read or is wrong is a
 * problem with its line, and its preset is left out; so is one whose staging is not there, or whose URLs
 * another one has. A missing folder is a problem. */
HerdPresets *herd_presets_load (const char *folder);
HerdPresets *herd_presets_ref (HerdPresets *presets);
void herd_presets_unref (HerdPresets *presets);

/* HerdPreset, by name; HerdConfigProblem. Both the presets'. */
GPtrArray *herd_presets_get_all (HerdPresets *presets);
GPtrArray *herd_presets_get_problems (HerdPresets *presets);

/* These may be called with PRESETS NULL: there are none. */
const HerdPreset *herd_presets_find (HerdPresets *presets, const char *name);
/* The same, or HERD_ERROR_INVALID_ARGUMENT, which names the known ones. */
const HerdPreset *herd_presets_require (HerdPresets *presets, const char *name, GError **error);
/* The one whose directory URL (in its normal form, as the vocabulary gives it) is. */
const HerdPreset *herd_presets_find_by_url (HerdPresets *presets, const char *url);
/* The successor of the directory URL, which ended. */
const HerdPreset *herd_presets_find_successor (HerdPresets *presets, const char *url);

/* The CA that SETTINGS (a{sv}, checked) of an issuer mean: by "preset", or by "directory-url", which may be
 * one that a preset has, or has taken the place of. Errors: HERD_ERROR_INVALID_ARGUMENT (there is no such
 * preset; both, or none of the two), with what to write instead. */
gboolean herd_presets_match (HerdPresets *presets, GVariant *settings, HerdPresetMatch *match,
                             GError **error);
/* Rejects the [issuer] sections of CONFIG that match nothing. */
void herd_presets_check (HerdPresets *presets, HerdConfig *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdPresets, herd_presets_unref)

G_END_DECLS
