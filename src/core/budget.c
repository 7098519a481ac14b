// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From rows to the ledger's questions.
 */
#include "core/budget.h"

#include "core/directories.h"
#include "model/spec.h"
#include "plugin/error.h"

#define TOO_MANY_REQUESTS 429
#define UNAVAILABLE 503

static GPtrArray *
get_limits (const HerdServices *services, const HerdAuthority *authority)
{
  const HerdPreset *preset = herd_directories_get_preset (services, authority);

  return preset != NULL ? preset->limits : NULL;
}

/* Does GENERATION have exactly IDENTIFIERS, in whatever order? */
static gboolean
has_identifiers (const HerdGeneration *generation, const char *const *identifiers)
{
  g_auto (GStrv) own = g_strsplit (herd_generation_get_identifiers (generation), " ", -1);

  if (g_strv_length (own) != g_strv_length ((char **) identifiers))
    return FALSE;
  for (; *identifiers != NULL; identifiers++) {
    if (!g_strv_contains ((const char *const *) own, *identifiers))
      return FALSE;
  }
  return TRUE;
}

/* Is ID an authority at DIRECTORY? */
static gboolean
is_at (const HerdServices *services, guint64 id, const char *directory)
{
  const HerdAuthority *authority = herd_registry_get_authority (services->registry, id);

  return authority != NULL
         && g_str_equal (herd_directories_get_url (services, authority), directory);
}

static gboolean
has_issued (const HerdServices *services, const HerdCertificate *certificate,
            const HerdLedgerWish *wish)
{
  for (const HerdGeneration *generation = certificate->generations; generation != NULL;
       generation = generation->next) {
    if (is_at (services, generation->issuer, wish->directory)
        && has_identifiers (generation, wish->identifiers))
      return TRUE;
  }
  return FALSE;
}

/* Would the order name a predecessor that is in its window? */
static gboolean
would_replace (const HerdCertificate *certificate, const HerdAuthority *authority, gint64 now)
{
  const HerdGeneration *current = herd_certificate_get_current (certificate);
  const HerdSuggestion *suggestion = certificate->suggestion;

  return current != NULL && current->issuer == authority->id && suggestion != NULL
         && suggestion->generation == current->number && suggestion->start <= now
         && now < suggestion->end;
}

static HerdLedgerWish
make_wish (const HerdServices *services, const HerdAuthority *authority,
           const HerdCertificate *certificate, const char *const *identifiers)
{
  HerdLedgerWish wish = {
    .authority = authority->id,
    .issuer = authority->name,
    .directory = herd_directories_get_url (services, authority),
    .limits = get_limits (services, authority),
    .identifiers = identifiers,
  };

  if (certificate == NULL || identifiers == NULL)
    return wish;
  wish.renewal = certificate->generations != NULL;
  wish.same_identifiers = has_issued (services, certificate, &wish);
  wish.replaces = would_replace (certificate, authority, herd_clock_get_seconds (services->clock));
  return wish;
}

gboolean
herd_budget_ask (const HerdServices *services, const HerdAuthority *authority,
                 const HerdCertificate *certificate, GVariant *spec, GError **error)
{
  g_auto (GStrv) identifiers = herd_spec_get_list (spec, "identifiers");
  const HerdLedgerWish wish = make_wish (services, authority, certificate,
                                         (const char *const *) identifiers);

  return herd_ledger_ask (services->ledger, &wish, error);
}

gboolean
herd_budget_ask_waiting (const HerdServices *services, const HerdAuthority *authority,
                         const HerdCertificate *certificate, GVariant *spec, GError **error)
{
  g_auto (GStrv) identifiers = herd_spec_get_list (spec, "identifiers");
  HerdLedgerWish wish = make_wish (services, authority, certificate,
                                   (const char *const *) identifiers);

  wish.waits = TRUE;
  return herd_ledger_ask (services->ledger, &wish, error);
}

HerdLedgerEntry *
herd_budget_begin (const HerdServices *services, const HerdAuthority *authority,
                   const HerdCertificate *certificate, GVariant *spec)
{
  g_auto (GStrv) identifiers = herd_spec_get_list (spec, "identifiers");
  const HerdLedgerWish wish = make_wish (services, authority, certificate,
                                         (const char *const *) identifiers);

  return herd_ledger_begin (services->ledger, &wish);
}

static HerdLedgerWish
make_account_wish (const HerdServices *services, const HerdAuthority *authority)
{
  HerdLedgerWish wish = make_wish (services, authority, NULL, NULL);

  wish.registers = TRUE;
  return wish;
}

gboolean
herd_budget_ask_account (const HerdServices *services, const HerdAuthority *authority,
                         GError **error)
{
  const HerdLedgerWish wish = make_account_wish (services, authority);

  return herd_ledger_ask (services->ledger, &wish, error);
}

HerdLedgerEntry *
herd_budget_begin_account (const HerdServices *services, const HerdAuthority *authority)
{
  const HerdLedgerWish wish = make_account_wish (services, authority);

  return herd_ledger_begin (services->ledger, &wish);
}

void
herd_budget_note_error (const HerdServices *services, guint64 id, const GError *error)
{
  const HerdAuthority *authority = herd_registry_get_authority (services->registry, id);
  guint status = herd_error_get_status (error);
  HerdLedgerWish wish;

  if (authority == NULL || herd_error_class (error) != HERD_ERROR_CLASS_TIMED
      || (status != TOO_MANY_REQUESTS && status != UNAVAILABLE))
    return;
  wish = make_wish (services, authority, NULL, NULL);
  herd_ledger_refused (services->ledger, &wish, herd_error_get_retry_at (error));
  herd_budget_changed (services, id);
}

void
herd_budget_changed (const HerdServices *services, guint64 id)
{
  HerdAuthority *authority = herd_registry_get_authority (services->registry, id);
  g_autoptr (GArray) ids = herd_registry_list_ids (services->registry, HERD_NOUN_ISSUER);
  const char *directory = authority != NULL ? herd_directories_get_url (services, authority) : "";

  for (guint i = 0; authority != NULL && i < ids->len; i++) {
    guint64 other = g_array_index (ids, guint64, i);

    if (is_at (services, other, directory))
      herd_registry_touch (services->registry, HERD_NOUN_ISSUER, other);
  }
}

GVariant *
herd_budget_describe (const HerdServices *services, const HerdAuthority *authority)
{
  return herd_ledger_describe (services->ledger, authority->id,
                               herd_directories_get_url (services, authority),
                               get_limits (services, authority));
}

gint64
herd_budget_get_retry_at (const HerdServices *services, const HerdAuthority *authority)
{
  gint64 hold = herd_ledger_get_hold (services->ledger,
                                      herd_directories_get_url (services, authority));

  return MAX (authority->retry_at, hold);
}

GPtrArray *
herd_budget_explain (const HerdServices *services, const HerdAuthority *authority,
                     const HerdCertificate *certificate, GVariant *spec)
{
  g_auto (GStrv) identifiers = herd_spec_get_list (spec, "identifiers");
  const HerdLedgerWish wish = make_wish (services, authority, certificate,
                                         (const char *const *) identifiers);

  return herd_ledger_explain (services->ledger, &wish);
}
