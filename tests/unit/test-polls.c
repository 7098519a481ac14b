// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The polls, with a clock that the test moves and a double of the issuer, which answers what the test says
 * and when it says so: when CAs are asked, how many at a time, and what a restart knows.
 */
#include "core/polls.h"

#include "core/renewal-info.h"
#include "manual-clock.h"
#include "plugin/error.h"
#include "state-fixture.h"

#define HOUR 3600
#define DAY (24 * HOUR)
#define NOW (HERD_MANUAL_CLOCK_START / HERD_SECOND)
#define LIFETIME (90 * DAY)
#define AUTHORITY 77

/* --- the double of an issuer --- */

#define TEST_TYPE_ISSUER (test_issuer_get_type ())
G_DECLARE_FINAL_TYPE (TestIssuer, test_issuer, TEST, ISSUER, GObject)

struct _TestIssuer {
  GObject parent;
  GPtrArray *asked; /* GTask, without answer yet */
  guint n_asked;
};

static void
test_issuer_ask (HerdIssuer *issuer, GBytes *chain, HerdIssuerHost *host, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer data)
{
  TestIssuer *self = TEST_ISSUER (issuer);

  g_assert_nonnull (chain);
  g_assert_nonnull (host);
  self->n_asked++;
  g_ptr_array_add (self->asked, g_task_new (issuer, cancellable, callback, data));
}

static HerdRenewalInfo *
test_issuer_ask_finish (HerdIssuer *issuer, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
test_issuer_iface_init (HerdIssuerInterface *iface)
{
  iface->renewal_info_async = test_issuer_ask;
  iface->renewal_info_finish = test_issuer_ask_finish;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestIssuer, test_issuer, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_ISSUER, test_issuer_iface_init))

static void
test_issuer_finalize (GObject *object)
{
  g_ptr_array_unref (TEST_ISSUER (object)->asked);
  G_OBJECT_CLASS (test_issuer_parent_class)->finalize (object);
}

static void
test_issuer_class_init (TestIssuerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_issuer_finalize;
}

static void
test_issuer_init (TestIssuer *self)
{
  self->asked = g_ptr_array_new_with_free_func (g_object_unref);
}

/* --- the fixture --- */

typedef struct {
  StateFixture state;
  HerdServices services;
  TestIssuer *issuer;
  HerdIssuers *issuers;
  HerdPolls *polls;
  guint n_changed;
} PollsFixture;

static HerdIssuer *
get_issuer (const HerdAuthority *authority, const HerdPresetMatch *match, gpointer data,
            GError **error)
{
  return HERD_ISSUER (g_object_ref (((PollsFixture *) data)->issuer));
}

static void
changed (HerdCertificate *certificate, gpointer data)
{
  ((PollsFixture *) data)->n_changed++;
}

static void
set_up (PollsFixture *fixture, gconstpointer data)
{
  HerdServices *services = &fixture->services;
  HerdAuthority *authority = herd_authority_new (
      AUTHORITY, "ca", "acme", g_variant_new_parsed ("{'directory-url': <'https://ca.test/'>}"));

  state_fixture_set_up (&fixture->state, data);
  state_fixture_open (&fixture->state);
  services->clock = herd_manual_clock_new ();
  services->state = fixture->state.state;
  services->registry = herd_registry_new ();
  fixture->issuer = g_object_new (TEST_TYPE_ISSUER, NULL);
  fixture->issuers = herd_issuers_new (services, NULL, get_issuer, fixture);
  fixture->polls = herd_polls_new (services, fixture->issuers, changed, fixture);
  g_strfreev (authority->account->capabilities);
  authority->account->capabilities = g_strsplit ("ari", " ", -1);
  herd_registry_add_authority (services->registry, authority);
}

/* Until the state's thread has done what it was asked for, and the main loop what follows. */
static void
settle (PollsFixture *fixture)
{
  commit_ok (fixture->state.state, herd_batch_new ());
  while (g_main_context_iteration (NULL, FALSE))
    continue;
}

static void
tear_down (PollsFixture *fixture, gconstpointer data)
{
  herd_polls_free (fixture->polls);
  herd_issuers_free (fixture->issuers);
  herd_registry_free (fixture->services.registry);
  g_object_unref (fixture->issuer);
  state_fixture_tear_down (&fixture->state, data);
  herd_clock_unref (fixture->services.clock);
}

static void
advance (PollsFixture *fixture, gint64 seconds)
{
  herd_manual_clock_advance (fixture->services.clock, seconds * HERD_SECOND);
  settle (fixture);
}

static HerdCertificate *
add_certificate (PollsFixture *fixture, guint64 id)
{
  g_autofree char *name = g_strdup_printf ("c%05d", (int) id);
  HerdCertificate *certificate = herd_certificate_new (id, name, 0, HERD_ORIGIN_BUS,
                                                       g_variant_new ("a{sv}", NULL));
  HerdFacts *facts = herd_facts_new ();
  HerdGeneration *generation;
  HerdBatch *batch = herd_batch_new ();
  g_autoptr (GBytes) material = bytes ("PEM");

  facts->not_before = NOW;
  facts->not_after = NOW + LIFETIME;
  generation = herd_generation_new (1, AUTHORITY, NOW, facts);
  herd_certificate_add_generation (certificate, generation);
  certificate->current = certificate->last_number = 1;
  certificate->renew_at = NOW + 60 * DAY;
  herd_batch_put_certificate (batch, certificate);
  herd_batch_put_generation (batch, id, generation, material, material);
  commit_ok (fixture->state.state, batch);
  herd_registry_add_certificate (fixture->services.registry, certificate);
  return certificate;
}

static HerdCertificate *
begin (PollsFixture *fixture)
{
  HerdCertificate *certificate = add_certificate (fixture, 1);

  herd_polls_put (fixture->polls, certificate);
  advance (fixture, 0);
  return certificate;
}

static GTask *
take_question (PollsFixture *fixture)
{
  g_assert_cmpuint (fixture->issuer->asked->len, >, 0);
  return g_ptr_array_steal_index (fixture->issuer->asked, 0);
}

/* Answers the question that has waited longest: a window from START on, and when to ask again. */
static void
answer (PollsFixture *fixture, gint64 start, gint64 retry_at)
{
  g_autoptr (GTask) task = take_question (fixture);
  HerdRenewalInfo *info = g_new0 (HerdRenewalInfo, 1);

  info->start = start;
  info->end = start + DAY;
  info->explanation_url = g_strdup ("");
  info->retry_at = retry_at;
  g_task_return_pointer (task, info, (GDestroyNotify) herd_renewal_info_free);
  settle (fixture);
}

static void
refuse (PollsFixture *fixture, HerdError code)
{
  g_autoptr (GTask) task = take_question (fixture);

  g_task_return_new_error (task, HERD_ERROR, code, "the double says no");
  settle (fixture);
}

static gint64
get_now (PollsFixture *fixture)
{
  return herd_clock_get_seconds (fixture->services.clock);
}

/* --- the tests --- */

/* At once, then when the CA said to: not before, and not a minute after. */
static void
test_asks (PollsFixture *fixture, gconstpointer data)
{
  const HerdCertificate *certificate = begin (fixture);

  g_assert_cmpuint (fixture->issuer->n_asked, ==, 1);
  answer (fixture, NOW + 70 * DAY, NOW + 6 * HOUR);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  g_assert_cmpint (certificate->renew_at, >=, NOW + 70 * DAY);
  g_assert_cmpint (certificate->renew_at, <, NOW + 71 * DAY);
  for (guint i = 2; i < 6; i++) {
    advance (fixture, 6 * HOUR - 60);
    g_assert_cmpuint (fixture->issuer->n_asked, ==, i - 1);
    advance (fixture, 120);
    g_assert_cmpuint (fixture->issuer->n_asked, ==, i);
    answer (fixture, NOW + 70 * DAY, get_now (fixture) + 6 * HOUR);
  }
  g_assert_cmpuint (fixture->n_changed, ==, 1);
}

/* An answer, and a silence, of a time when the clock was ahead by years. */
static void
test_set_back (PollsFixture *fixture, gconstpointer data)
{
  HerdCertificate *certificate = add_certificate (fixture, 1);
  HerdGeneration *newest = herd_certificate_get_newest (certificate);
  const gint64 ahead = 3000 * (gint64) DAY;

  newest->not_after += 2 * ahead;
  advance (fixture, ahead);
  herd_polls_put (fixture->polls, certificate);
  advance (fixture, 0);
  refuse (fixture, HERD_ERROR_UNREACHABLE);
  herd_manual_clock_set_real (fixture->services.clock, NOW * HERD_SECOND);
  herd_polls_put (fixture->polls, certificate);
  advance (fixture, 0);
  g_assert_cmpuint (fixture->issuer->n_asked, ==, 2);
  answer (fixture, NOW + 70 * DAY, NOW + 6 * HOUR);
  advance (fixture, 5 * HOUR);
  g_assert_cmpuint (fixture->issuer->n_asked, ==, 2);
  advance (fixture, 2 * HOUR);
  g_assert_cmpuint (fixture->issuer->n_asked, ==, 3);
  answer (fixture, NOW + 70 * DAY, get_now (fixture) + 6 * HOUR);
}

/* What others ask for is not asked for: expired, revoked, under way, of an issuer that says no such things. */
static void
test_does_not_ask (PollsFixture *fixture, gconstpointer data)
{
  HerdCertificate *certificate = add_certificate (fixture, 1);
  HerdAuthority *authority = herd_registry_get_authority (fixture->services.registry, AUTHORITY);
  HerdGeneration *newest = herd_certificate_get_newest (certificate);

  certificate->operation = 5;
  herd_polls_put (fixture->polls, certificate);
  certificate->operation = 0;
  certificate->retired = TRUE;
  herd_polls_put (fixture->polls, certificate);
  certificate->retired = FALSE;
  newest->revoked = HERD_REVOCATION_SUPERSEDED;
  herd_polls_put (fixture->polls, certificate);
  newest->revoked = HERD_REVOCATION_NONE;
  newest->not_after = NOW;
  herd_polls_put (fixture->polls, certificate);
  newest->not_after = NOW + DAY;
  g_clear_pointer (&authority->account->capabilities[0], g_free);
  herd_polls_put (fixture->polls, certificate);
  herd_polls_follow_authority (fixture->polls, AUTHORITY);
  advance (fixture, HOUR);
  g_assert_cmpuint (fixture->issuer->n_asked, ==, 0);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->services.clock), ==, 0);
}

/* It has become known that the CA says such things. */
static void
test_learns (PollsFixture *fixture, gconstpointer data)
{
  for (guint64 id = 1; id <= 1200; id++)
    add_certificate (fixture, id);
  herd_polls_follow_authority (fixture->polls, AUTHORITY);
  for (guint i = 0; i < 5; i++)
    advance (fixture, 1);
  for (guint i = 0; i < 1200; i++) {
    g_assert_cmpuint (fixture->issuer->asked->len, <=, HERD_POLLS_MAX);
    answer (fixture, NOW + 60 * DAY, NOW + 6 * HOUR);
    advance (fixture, 0);
  }
  g_assert_cmpuint (fixture->issuer->n_asked, ==, 1200);
}

/* A CA that does not answer is asked for one certificate at a time, ever more rarely. */
static void
test_silent (PollsFixture *fixture, gconstpointer data)
{
  guint before;

  for (guint64 id = 1; id <= 100; id++)
    herd_polls_put (fixture->polls, add_certificate (fixture, id));
  advance (fixture, 0);
  g_assert_cmpuint (fixture->issuer->n_asked, ==, HERD_POLLS_MAX);
  for (guint i = 0; i < HERD_POLLS_MAX; i++)
    refuse (fixture, HERD_ERROR_UNREACHABLE);
  before = fixture->issuer->n_asked;
  for (guint minute = 0; minute < 24 * 60; minute++) {
    advance (fixture, 60);
    g_assert_cmpuint (fixture->issuer->asked->len, <=, 1);
    if (fixture->issuer->asked->len > 0)
      refuse (fixture, HERD_ERROR_UNREACHABLE);
  }
  /* After 1, 10, 100 minutes, then every 6 hours. */
  g_assert_cmpuint (fixture->issuer->n_asked - before, >=, 4);
  g_assert_cmpuint (fixture->issuer->n_asked - before, <=, 8);
  g_assert_cmpuint (fixture->n_changed, ==, 0);
  /* It answers again: everybody's turn comes. */
  for (guint minute = 0; minute < 9 * 60; minute++) {
    advance (fixture, 60);
    while (fixture->issuer->asked->len > 0)
      answer (fixture, NOW + 60 * DAY, get_now (fixture) + DAY);
  }
  g_assert_cmpuint (fixture->n_changed, ==, 100);
}

/* A CA that knows nothing of the certificate: the rule again, and another question in 6 hours. */
static void
test_unknown (PollsFixture *fixture, gconstpointer data)
{
  const HerdCertificate *certificate = begin (fixture);

  answer (fixture, NOW + 80 * DAY, NOW + HOUR);
  g_assert_cmpint (certificate->renew_at, >=, NOW + 80 * DAY);
  advance (fixture, HOUR + 60);
  refuse (fixture, HERD_ERROR_NOT_FOUND);
  g_assert_cmpuint (fixture->n_changed, ==, 2);
  g_assert_cmpint (certificate->renew_at, <=, NOW + 63 * DAY);
  g_assert_cmpstr (certificate->suggestion->problem, ==, "the double says no");
  advance (fixture, 6 * HOUR - 120);
  g_assert_cmpuint (fixture->issuer->n_asked, ==, 2);
  advance (fixture, 240);
  g_assert_cmpuint (fixture->issuer->n_asked, ==, 3);
}

/* Answers that say nothing new are written down together. */
static void
test_saves_together (PollsFixture *fixture, gconstpointer data)
{
  guint64 commits;

  for (guint64 id = 1; id <= 20; id++)
    herd_polls_put (fixture->polls, add_certificate (fixture, id));
  advance (fixture, 0);
  while (fixture->issuer->asked->len > 0) {
    answer (fixture, NOW + 60 * DAY, NOW + HOUR);
    advance (fixture, 0);
  }
  advance (fixture, HOUR + 120);
  g_assert_cmpuint (fixture->n_changed, ==, 20);
  while (fixture->issuer->asked->len > 0) {
    answer (fixture, NOW + 60 * DAY, NOW + 2 * HOUR + 60);
    advance (fixture, 0);
  }
  g_assert_cmpuint (fixture->issuer->n_asked, ==, 40);
  g_assert_cmpuint (fixture->n_changed, ==, 20);
  commits = herd_state_get_n_commits (fixture->state.state);
  herd_manual_clock_advance (fixture->services.clock, 10 * 60 * HERD_SECOND);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->services.clock), ==, 1);
  settle (fixture);
  g_assert_cmpuint (herd_state_get_n_commits (fixture->state.state) - commits, <=, 2);
}

/* However many there are, a turn of the loop writes a bounded share of them. */
static void
test_saves_slices (PollsFixture *fixture, gconstpointer data)
{
  for (guint64 id = 1; id <= 500; id++)
    herd_polls_put (fixture->polls, add_certificate (fixture, id));
  advance (fixture, 0);
  for (guint i = 0; i < 500; i++) {
    answer (fixture, NOW + 60 * DAY, NOW + HOUR);
    advance (fixture, 0);
  }
  advance (fixture, HOUR + 120);
  for (guint i = 1; i <= 500; i++) {
    answer (fixture, NOW + 60 * DAY, NOW + 3 * HOUR);
    advance (fixture, 0);
    /* One for the next questions, and one until what has come is written. */
    if (i > 480)
      g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->services.clock), ==,
                        i < 500 ? 2 : 1);
  }
}

/* Another process has the same pick, and asks no sooner. */
static void
test_restart (PollsFixture *fixture, gconstpointer data)
{
  HerdCertificate *certificate = begin (fixture);
  HerdServices *services = &fixture->services;
  g_autoptr (HerdStateContents) contents = NULL;
  g_autoptr (GError) error = NULL;
  HerdBatch *batch = herd_batch_new ();
  gint64 pick;

  answer (fixture, NOW + 70 * DAY, NOW + 6 * HOUR);
  pick = certificate->suggestion->pick;
  herd_batch_put_certificate (batch, certificate);
  commit_ok (services->state, batch);
  advance (fixture, 7 * HOUR);
  answer (fixture, NOW + 70 * DAY, NOW + 13 * HOUR);
  herd_polls_free (fixture->polls);
  herd_registry_remove (services->registry, HERD_NOUN_CERTIFICATE, 1);
  contents = herd_state_load (services->state, &error);
  g_assert_no_error (error);
  certificate = g_ptr_array_steal_index (contents->certificates, 0);
  herd_registry_add_certificate (services->registry, certificate);
  fixture->polls = herd_polls_new (services, fixture->issuers, changed, fixture);
  g_assert_cmpint (certificate->suggestion->pick, ==, pick);
  g_assert_cmpint (certificate->renew_at, ==, pick);
  herd_polls_put (fixture->polls, certificate);
  advance (fixture, 6 * HOUR - 60);
  g_assert_cmpuint (fixture->issuer->n_asked, ==, 2);
  advance (fixture, 120);
  g_assert_cmpuint (fixture->issuer->n_asked, ==, 3);
  answer (fixture, NOW + 70 * DAY, NOW + 20 * HOUR);
  g_assert_cmpint (certificate->renew_at, ==, pick);
}

/* The answer comes when another generation is there already. */
static void
test_too_late (PollsFixture *fixture, gconstpointer data)
{
  HerdCertificate *certificate = begin (fixture);
  HerdFacts *facts = herd_facts_new ();

  facts->not_before = NOW;
  facts->not_after = NOW + LIFETIME;
  herd_certificate_add_generation (certificate, herd_generation_new (2, AUTHORITY, NOW, facts));
  answer (fixture, NOW - DAY, NOW + HOUR);
  g_assert_cmpuint (fixture->n_changed, ==, 0);
  g_assert_cmpint (certificate->renew_at, ==, NOW + 60 * DAY);
}

static void
test_removed (PollsFixture *fixture, gconstpointer data)
{
  begin (fixture);
  herd_registry_remove (fixture->services.registry, HERD_NOUN_CERTIFICATE, 1);
  answer (fixture, NOW - DAY, NOW + HOUR);
  g_assert_cmpuint (fixture->n_changed, ==, 0);
}

/* The end comes while a CA is asked. */
static void
test_freed (PollsFixture *fixture, gconstpointer data)
{
  begin (fixture);
  g_clear_pointer (&fixture->polls, herd_polls_free);
  answer (fixture, NOW - DAY, NOW + HOUR);
  g_assert_cmpuint (fixture->n_changed, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/polls/" name, PollsFixture, NULL, set_up, func, tear_down)
  ADD ("asks", test_asks);
  ADD ("set-back", test_set_back);
  ADD ("does-not-ask", test_does_not_ask);
  ADD ("learns", test_learns);
  ADD ("silent", test_silent);
  ADD ("unknown", test_unknown);
  ADD ("saves-together", test_saves_together);
  ADD ("saves-slices", test_saves_slices);
  ADD ("restart", test_restart);
  ADD ("too-late", test_too_late);
  ADD ("removed", test_removed);
  ADD ("freed", test_freed);
  return g_test_run ();
}
