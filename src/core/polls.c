// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Asking CAs when to renew: a schedule of its own, and one small table of steps for each poll.
 */
#include "core/polls.h"

#include "core/renewal-info.h"
#include "core/renewal.h"
#include "core/scheduler.h"
#include "plugin/error.h"
#include "util/steps.h"
#include "util/text.h"

/* Seconds over which those are spread that would come at once otherwise. */
#define SPREAD 60
/* Seconds until what has not changed is written down. */
#define SAVE_AFTER 300
/* Certificates looked at, or written down, in one turn of the loop. */
#define SLICE 500

struct HerdPolls {
  HerdServices *services;
  HerdIssuers *issuers;
  HerdPollsFunc changed;
  gpointer data;
  HerdScheduler *scheduler;
  GHashTable *running; /* &certificate id → Poll */
  GHashTable *places;  /* &authority id → Place */
  GHashTable *unsaved; /* certificate ids (set of guint64 *) */
  guint timer;         /* until they are saved */
  HerdRun *walk;       /* over all certificates; NULL: none */
  char *walk_at;       /* the name of the certificate that it has come to */
};

/* What is known of a CA's readiness to answer. */
typedef struct {
  guint64 authority;
  guint n_running;
  guint failures; /* in a row */
  gint64 retry_at;
} Place;

typedef struct {
  HerdPolls *polls; /* NULL: gone */
  guint64 certificate;
  guint64 generation;
  Place *place;
  HerdIssuer *engine;
  HerdIssuerHost *host;
  GBytes *chain;
  HerdRenewalInfo *info;
  HerdRun *run;
} Poll;

static void due_to_be_saved (gpointer data);

static gint64
get_now (HerdPolls *polls)
{
  return herd_clock_get_seconds (polls->services->clock);
}

/* --- when --- */

static gboolean
is_asked (HerdPolls *polls, guint64 id)
{
  const HerdAuthority *authority = herd_registry_get_authority (polls->services->registry, id);

  return authority != NULL && !authority->retired && herd_authority_can (authority, "ari");
}

/* When the CA is to be asked for CERTIFICATE; 0: not. What has expired, or is being replaced, is not asked
 * for (RFC 9773 section 4.3.3). */
static gint64
get_time (HerdPolls *polls, const HerdCertificate *certificate)
{
  const HerdGeneration *newest = herd_certificate_get_newest (certificate);
  const HerdSuggestion *suggestion = certificate->suggestion;

  if (newest == NULL || certificate->retired || certificate->operation != 0
      || newest->revoked != HERD_REVOCATION_NONE || newest->not_after <= get_now (polls)
      || !is_asked (polls, newest->issuer))
    return 0;
  if (suggestion == NULL || suggestion->generation != newest->number)
    return get_now (polls);
  /* Further away than any answer puts it: the clock was set back. */
  if (suggestion->ask_at > get_now (polls) + HERD_ASK_AGAIN_MAX + SPREAD)
    return get_now (polls);
  return suggestion->ask_at;
}

void
herd_polls_put (HerdPolls *polls, const HerdCertificate *certificate)
{
  if (!g_hash_table_contains (polls->running, &certificate->id))
    herd_scheduler_put (polls->scheduler, certificate->id, get_time (polls, certificate));
}

static Place *
ensure_place (HerdPolls *polls, guint64 authority)
{
  Place *place = g_hash_table_lookup (polls->places, &authority);

  if (place == NULL) {
    place = g_new0 (Place, 1);
    place->authority = authority;
    g_hash_table_insert (polls->places, &place->authority, place);
  }
  return place;
}

/* --- a poll --- */

static void
poll_free (Poll *poll)
{
  herd_run_unref (poll->run);
  g_clear_object (&poll->host);
  g_clear_object (&poll->engine);
  g_clear_pointer (&poll->chain, g_bytes_unref);
  herd_renewal_info_free (poll->info);
  g_free (poll);
}

static gboolean
enter_load (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Poll *poll = data;

  herd_state_read_generation_async (poll->polls->services->state, poll->certificate,
                                    poll->generation, FALSE, herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_load (HerdRun *run, gpointer data, GError **error)
{
  Poll *poll = data;

  return poll->polls == NULL
         || herd_state_read_generation_finish (
             poll->polls->services->state, herd_run_get_result (run, 0), &poll->chain, NULL, error);
}

static gboolean
enter_ask (HerdRun *run, gpointer data, GError **error)
{
  Poll *poll = data;
  HerdIssuer *engine = herd_issuers_get (poll->polls->issuers, poll->place->authority, error);

  if (engine == NULL)
    return FALSE;
  poll->engine = g_object_ref (engine);
  poll->host = herd_issuers_new_host (poll->polls->issuers, poll->place->authority, 0, NULL);
  herd_issuer_renewal_info_async (engine, poll->chain, poll->host, herd_run_get_cancellable (run),
                                  herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_ask (HerdRun *run, gpointer data, GError **error)
{
  Poll *poll = data;

  poll->info = herd_issuer_renewal_info_finish (poll->engine, herd_run_get_result (run, 0), error);
  return poll->info != NULL;
}

static const HerdStep steps[] = {
  { "load", enter_load, leave_load, HERD_COMMIT_NONE },
  { "ask", enter_ask, leave_ask, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

/* --- its end --- */

/* Will the next attempt fare no better? */
static gboolean
is_lasting (const GError *error)
{
  if (g_error_matches (error, HERD_ERROR, HERD_ERROR_LOCKED))
    return FALSE;
  if (g_error_matches (error, HERD_ERROR, HERD_ERROR_NOT_FOUND)
      || g_error_matches (error, HERD_ERROR, HERD_ERROR_REFUSED))
    return TRUE;
  switch (herd_error_class (error)) {
  case HERD_ERROR_CLASS_IMMEDIATE:
  case HERD_ERROR_CLASS_TIMED:
  case HERD_ERROR_CLASS_BACKOFF:
    return FALSE;
  case HERD_ERROR_CLASS_HUMAN:
  case HERD_ERROR_CLASS_PERMANENT:
    return TRUE;
  }
  return TRUE;
}

/* Of those under way when a CA fell silent the first to fail counts. */
static void
count_failure (HerdPolls *polls, Place *place, const GError *error)
{
  gint64 now = get_now (polls);
  gint64 asked_for = herd_error_get_retry_at (error);

  if (place->retry_at > now)
    return;
  place->failures++;
  place->retry_at = now + herd_backoff_get_delay (place->failures, g_random_double ());
  if (asked_for > place->retry_at)
    place->retry_at = MIN (asked_for, now + HERD_ASK_AGAIN_MAX);
}

static gint64
spread (gint64 when)
{
  return when + g_random_int_range (0, SPREAD);
}

static gboolean
settle_failure (HerdPolls *polls, Poll *poll, HerdCertificate *certificate, const GError *error)
{
  gint64 now = get_now (polls);
  gboolean lasting = is_lasting (error);
  gint64 ask_at = now + HERD_ASK_AGAIN_DEFAULT;

  if (lasting) {
    poll->place->failures = 0;
  } else {
    count_failure (polls, poll->place, error);
    ask_at = poll->place->retry_at;
  }
  return herd_renewal_info_miss (certificate, error->message, lasting, spread (ask_at), now,
                                 g_random_double ());
}

static void
keep_for_later (HerdPolls *polls, guint64 certificate)
{
  g_hash_table_add (polls->unsaved, g_memdup2 (&certificate, sizeof certificate));
  if (g_hash_table_size (polls->unsaved) >= SLICE) {
    herd_clock_disarm (polls->services->clock, polls->timer);
    due_to_be_saved (polls);
  } else if (polls->timer == 0) {
    polls->timer = herd_clock_arm (polls->services->clock, SAVE_AFTER * HERD_SECOND,
                                   due_to_be_saved, polls);
  }
}

static void
tell (const HerdCertificate *certificate)
{
  const HerdSuggestion *suggestion = certificate->suggestion;
  g_autofree char *from = herd_text_from_time (suggestion->start);
  g_autofree char *to = herd_text_from_time (suggestion->end);

  if (suggestion->pick == 0)
    g_message ("%s: renewed by the rule, not by the CA: %s", certificate->name,
               suggestion->problem);
  else if (herd_renewal_info_is_early (certificate))
    g_message ("%s: the CA suggests to renew it between %s and %s%s%s", certificate->name, from, to,
               *suggestion->explanation_url != '\0' ? "; see " : "", suggestion->explanation_url);
}

static void
settle (HerdPolls *polls, Poll *poll, const GError *error)
{
  HerdCertificate *certificate = herd_registry_get_certificate (polls->services->registry,
                                                                poll->certificate);
  const HerdGeneration *newest = certificate != NULL ? herd_certificate_get_newest (certificate)
                                                     : NULL;
  gboolean news;

  if (newest == NULL)
    return;
  if (newest->number != poll->generation) {
    herd_polls_put (polls, certificate);
    return;
  }
  if (error != NULL) {
    news = settle_failure (polls, poll, certificate, error);
  } else {
    poll->place->failures = 0;
    poll->info->retry_at = spread (poll->info->retry_at);
    news = herd_renewal_info_take (certificate, poll->info, get_now (polls), g_random_double ());
  }
  if (news) {
    tell (certificate);
    polls->changed (certificate, polls->data);
  } else {
    keep_for_later (polls, poll->certificate);
  }
  herd_polls_put (polls, certificate);
}

static void
finished (gpointer data, const GError *error)
{
  Poll *poll = data;
  HerdPolls *polls = poll->polls;

  if (polls != NULL) {
    g_hash_table_remove (polls->running, &poll->certificate);
    poll->place->n_running--;
    settle (polls, poll, error);
    herd_scheduler_go_on (polls->scheduler);
  }
  poll_free (poll);
}

static const HerdRunOps operations = { .finished = finished };

static void
start (HerdPolls *polls, const HerdCertificate *certificate, Place *place)
{
  Poll *poll = g_new0 (Poll, 1);

  poll->polls = polls;
  poll->certificate = certificate->id;
  poll->generation = herd_certificate_get_newest (certificate)->number;
  poll->place = place;
  place->n_running++;
  g_hash_table_insert (polls->running, &poll->certificate, poll);
  poll->run = herd_run_new ("poll", steps, G_N_ELEMENTS (steps), &operations, poll,
                            polls->services->clock, polls->services->crash);
  herd_run_start (poll->run, NULL);
}

/* --- the schedule --- */

/* A CA that did not answer is asked for one certificate; the others wait for what comes of that. */
static gboolean
is_silent (HerdPolls *polls, const Place *place)
{
  return place->failures > 0 && (place->n_running > 0 || place->retry_at > get_now (polls));
}

/* HerdSchedulerFunc. */
static gboolean
due (guint64 id, gpointer data)
{
  HerdPolls *polls = data;
  const HerdCertificate *certificate = herd_registry_get_certificate (polls->services->registry,
                                                                      id);
  gint64 now = get_now (polls);
  gint64 when = certificate != NULL ? get_time (polls, certificate) : 0;
  Place *place;

  if (when == 0)
    return TRUE;
  place = ensure_place (polls, herd_certificate_get_newest (certificate)->issuer);
  place->retry_at = herd_backoff_check_time (place->retry_at, now);
  if (when > now) {
    herd_scheduler_put (polls->scheduler, id, when);
  } else if (is_silent (polls, place)) {
    herd_scheduler_put (polls->scheduler, id, spread (MAX (place->retry_at, now + SPREAD)));
  } else if (g_hash_table_size (polls->running) >= HERD_POLLS_MAX) {
    return FALSE;
  } else {
    start (polls, certificate, place);
  }
  return TRUE;
}

/* --- what has not changed --- */

static void
save (HerdPolls *polls)
{
  HerdBatch *batch = herd_batch_new ();
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, polls->unsaved);
  while (g_hash_table_iter_next (&iter, &id, NULL)) {
    const HerdCertificate *certificate = herd_registry_get_certificate (polls->services->registry,
                                                                        *(guint64 *) id);

    if (certificate != NULL && certificate->suggestion != NULL)
      herd_batch_put_suggestion (batch, certificate);
  }
  g_hash_table_remove_all (polls->unsaved);
  /* Where it fails CAs are asked a little early after a restart; nobody needs to know. */
  herd_state_commit_async (polls->services->state, batch, NULL, NULL);
}

static void
due_to_be_saved (gpointer data)
{
  HerdPolls *polls = data;

  polls->timer = 0;
  save (polls);
}

/* --- all certificates --- */

static gboolean
leave_walk (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdPolls *polls = data;
  const char *after = polls->walk_at;

  for (guint i = 0; i < SLICE; i++) {
    const HerdCertificate *certificate = herd_registry_next_certificate (polls->services->registry,
                                                                         after);

    if (certificate == NULL)
      return TRUE;
    herd_polls_put (polls, certificate);
    after = certificate->name;
  }
  /* By name: the row may be gone at the next slice. */
  after = g_strdup (after);
  g_free (polls->walk_at);
  polls->walk_at = (char *) after;
  herd_run_again (run, 1);
  return TRUE;
}

static const HerdStep walk_steps[] = { { "walk", NULL, leave_walk, HERD_COMMIT_NONE },
                                       { "end", NULL, NULL, HERD_COMMIT_NONE } };

/* The polls may be gone by now. */
static void
walked (gpointer data G_GNUC_UNUSED, const GError *error G_GNUC_UNUSED)
{}

static const HerdRunOps walk_operations = { .finished = walked };

void
herd_polls_follow_authority (HerdPolls *polls, guint64 authority)
{
  if (!is_asked (polls, authority))
    return;
  herd_run_unref (polls->walk);
  g_free (polls->walk_at);
  polls->walk_at = g_strdup ("");
  polls->walk = herd_run_new ("polls", walk_steps, G_N_ELEMENTS (walk_steps), &walk_operations,
                              polls, polls->services->clock, NULL);
  herd_run_start (polls->walk, NULL);
}

/* --- the whole --- */

HerdPolls *
herd_polls_new (HerdServices *services, HerdIssuers *issuers, HerdPollsFunc changed, gpointer data)
{
  HerdPolls *polls = g_new0 (HerdPolls, 1);

  polls->services = services;
  polls->issuers = issuers;
  polls->changed = changed;
  polls->data = data;
  polls->scheduler = herd_scheduler_new (services->clock, due, polls);
  polls->running = g_hash_table_new (g_int64_hash, g_int64_equal);
  polls->places = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  polls->unsaved = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  return polls;
}

void
herd_polls_free (HerdPolls *polls)
{
  GHashTableIter iter;
  gpointer poll;

  if (polls == NULL)
    return;
  g_hash_table_iter_init (&iter, polls->running);
  while (g_hash_table_iter_next (&iter, NULL, &poll)) {
    ((Poll *) poll)->polls = NULL;
    herd_run_cancel (((Poll *) poll)->run);
  }
  herd_clock_disarm (polls->services->clock, polls->timer);
  if (g_hash_table_size (polls->unsaved) > 0)
    save (polls);
  herd_run_unref (polls->walk);
  g_free (polls->walk_at);
  herd_scheduler_free (polls->scheduler);
  g_hash_table_unref (polls->running);
  g_hash_table_unref (polls->places);
  g_hash_table_unref (polls->unsaved);
  g_free (polls);
}
