// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * CAA records of real servers (BIND behind a BIND resolver, tests/lib/dns.py).
 */
#include "net/caa.h"

#include <string.h>

#include "plugin/error.h"
#include "test-dns.h"

#define ACCOUNT "https://ca.example/acct/1"

typedef struct {
  TestRig *rig;
  HerdClock *clock;
  HerdDns *dns;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  HerdDnsOptions options = { 0 };

  fixture->rig = (TestRig *) data;
  fixture->clock = herd_clock_new_system ();
  options.clock = fixture->clock;
  options.resolvers = test_rig_get (fixture->rig, "RESOLVER");
  fixture->dns = herd_dns_new (&options);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  herd_dns_unref (fixture->dns);
  herd_clock_unref (fixture->clock);
}

static void
on_result (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static HerdCaa *
find (Fixture *fixture, const char *name, GCancellable *cancellable, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_caa_find_async (fixture->dns, name, cancellable, on_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return herd_caa_find_finish (result, error);
}

/* What ca.example may do for NAME as WISH says; *REASON has WORDS in it. */
static void
assert_verdict (Fixture *fixture, const char *name, HerdCaaWish wish, HerdCaaVerdict verdict,
                const char *words)
{
  static const char *const identities[] = { "elsewhere.example", "ca.example", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdCaa) caa = find (fixture, name, NULL, &error);
  g_autofree char *reason = NULL;

  g_assert_no_error (error);
  wish.wildcard = g_str_has_prefix (name, "*.");
  wish.identities = wish.identities != NULL ? wish.identities : identities;
  wish.account = wish.account != NULL ? wish.account : ACCOUNT;
  wish.method = wish.method != NULL ? wish.method : "dns-01";
  g_assert_cmpint (herd_caa_judge (caa, &wish, &reason), ==, verdict);
  if (strstr (reason, words) == NULL)
    g_error ("%s: \"%s\" does not say \"%s\"", name, reason, words);
}

static void
test_climb (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const names[] = {
    "pinned.example.test",
    "pinned.example.test",
    "host.pinned.example.test",
    "pinned.example.test",
    "*.host.PINNED.example.test",
    "pinned.example.test",
    "a.b.c.pinned.example.test",
    "pinned.example.test",
    "alias-of-pinned.example.test",
    "alias-of-pinned.example.test",
    "www.example.test",
    "",
    "no-such.caa.test",
    "caa.test",
    "no-such-name.invalid",
    "",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i += 2) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdCaa) caa = find (fixture, names[i], NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (herd_caa_get_name (caa), ==, names[i + 1]);
  }
}

static void
test_allowed (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  assert_verdict (fixture, "host.pinned.example.test", (HerdCaaWish){ 0 }, HERD_CAA_ALLOWED, "");
  assert_verdict (fixture, "host.pinned.example.test", (HerdCaaWish){ .method = "tls-alpn-01" },
                  HERD_CAA_ALLOWED, "");
  assert_verdict (fixture, "*.pinned.example.test", (HerdCaaWish){ 0 }, HERD_CAA_ALLOWED, "");
  assert_verdict (fixture, "www.example.test", (HerdCaaWish){ 0 }, HERD_CAA_ALLOWED, "");
  assert_verdict (fixture, "report.example.test", (HerdCaaWish){ 0 }, HERD_CAA_ALLOWED, "");
  assert_verdict (fixture, "*.wild.example.test", (HerdCaaWish){ 0 }, HERD_CAA_ALLOWED, "");
}

static void
test_forbidden (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const others[] = { "third.example", NULL };

  assert_verdict (fixture, "pinned.example.test", (HerdCaaWish){ .identities = others },
                  HERD_CAA_FORBIDDEN, "issue \"other.example\"");
  assert_verdict (fixture, "pinned.example.test", (HerdCaaWish){ .account = ACCOUNT "1" },
                  HERD_CAA_FORBIDDEN, "accounturi is not this account's");
  assert_verdict (fixture, "pinned.example.test", (HerdCaaWish){ .account = "" },
                  HERD_CAA_FORBIDDEN, "there is none yet");
  assert_verdict (fixture, "pinned.example.test", (HerdCaaWish){ .method = "http-01" },
                  HERD_CAA_FORBIDDEN, "validationmethods");
  assert_verdict (fixture, "wild.example.test", (HerdCaaWish){ 0 }, HERD_CAA_FORBIDDEN,
                  "lets no CA issue");
  assert_verdict (fixture, "twice.example.test", (HerdCaaWish){ 0 }, HERD_CAA_FORBIDDEN, "twice");
  assert_verdict (fixture, "malformed.example.test", (HerdCaaWish){ 0 }, HERD_CAA_FORBIDDEN,
                  "lets no CA issue");
  assert_verdict (fixture, "www.caa.test", (HerdCaaWish){ 0 }, HERD_CAA_FORBIDDEN,
                  "the tag unknown");
  assert_verdict (fixture, "hostile.example.test", (HerdCaaWish){ 0 }, HERD_CAA_FORBIDDEN,
                  "\\x1b[31m");
}

/* A CA that has no name for CAA: who is meant cannot be said, but nobody is nobody. */
static void
test_unknown (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const none[] = { NULL };

  assert_verdict (fixture, "pinned.example.test", (HerdCaaWish){ .identities = none },
                  HERD_CAA_UNKNOWN, "does not say");
  assert_verdict (fixture, "wild.example.test", (HerdCaaWish){ .identities = none },
                  HERD_CAA_FORBIDDEN, "lets no CA issue");
}

static void
test_failures (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) dead = NULL;
  g_autoptr (GError) circle = NULL;
  g_autoptr (GError) cancelled = NULL;

  g_assert_null (find (fixture, "www.broken", NULL, &dead));
  g_assert_error (dead, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (dead->message, "www.broken"));
  g_assert_null (find (fixture, "round.example.test", NULL, &circle));
  g_assert_true (circle->domain == HERD_ERROR);
  g_cancellable_cancel (cancellable);
  g_assert_null (find (fixture, "www.example.test", cancellable, &cancelled));
  g_assert_error (cancelled, HERD_ERROR, HERD_ERROR_CANCELLED);
}

#define ADD(name, function) g_test_add ("/caa/" name, Fixture, rig, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_autoptr (TestRig) rig = NULL;

  g_test_init (&argc, &argv, NULL);
  rig = test_dns_new ();
  ADD ("climb", test_climb);
  ADD ("allowed", test_allowed);
  ADD ("forbidden", test_forbidden);
  ADD ("unknown", test_unknown);
  ADD ("failures", test_failures);
  return g_test_run ();
}
