// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * issue-once register|issue|roll-key|deactivate|import DIRECTORY URL TRUST-FILE CHALLTESTSRV [POINT]: one operation of the
 * engine with the records, the checkpoint, the certificate's key and the key to be imported
 * (import.pem) in DIRECTORY; what it comes to is left in DIRECTORY/chain, or told as an error. The crash points that it reaches are listed in
 * DIRECTORY/points as NAME#OCCURRENCE; at POINT it ends as if it had been killed. A program apart,
 * for a process has to die.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "acme/engine.h"
#include "host.h"
#include "plugin/error.h"

#define KILLED 42

typedef struct {
  const char *at; /* or NULL */
  FILE *list;
  GHashTable *seen; /* name → occurrences */
} Crash;

static void
on_point (const char *point, gpointer data)
{
  Crash *crash = data;
  guint occurrence = GPOINTER_TO_UINT (g_hash_table_lookup (crash->seen, point)) + 1;
  g_autofree char *name = g_strdup_printf ("%s#%u", point, occurrence);

  g_hash_table_insert (crash->seen, g_strdup (point), GUINT_TO_POINTER (occurrence));
  fprintf (crash->list, "%s\n", name);
  fflush (crash->list);
  if (g_strcmp0 (name, crash->at) == 0)
    _exit (KILLED);
}

static HerdKey *
get_key (TestHost *host)
{
  g_autoptr (GBytes) saved = test_host_get (host, "certificate-key");
  g_autoptr (GBytes) pkcs8 = NULL;
  HerdKey *key;

  if (saved != NULL)
    return herd_key_new_from_pkcs8 (saved, NULL);
  key = test_key_new ("ecdsa-p256");
  pkcs8 = herd_key_to_pkcs8 (key, NULL);
  test_host_put (host, "certificate-key", pkcs8);
  return key;
}

static gboolean
issue (HerdAcmeEngine *engine, TestHost *host, GError **error)
{
  static const char *const identifiers[] = { "a.example.org", "b.example.org", NULL };
  g_autoptr (HerdKey) key = get_key (host);
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, key);
  g_autoptr (GBytes) resume = test_host_get_checkpoint (host);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (HerdIssued) issued = NULL;

  herd_issuer_issue_async (HERD_ISSUER (engine), request, resume, HERD_ISSUER_HOST (host), NULL,
                           test_on_result, &result);
  test_wait (result != NULL);
  issued = herd_issuer_issue_finish (HERD_ISSUER (engine), result, error);
  if (issued != NULL)
    test_host_put (host, "chain", issued->chain);
  return issued != NULL;
}

/* The account's own verbs; each prints its URL. */
static gboolean
change_account (const char *verb, HerdAcmeEngine *engine, TestHost *host, GError **error)
{
  g_autoptr (GVariant)
      options = g_variant_ref_sink (g_variant_new_parsed ("{'agree-terms': <'yes'>}"));
  g_autoptr (GBytes) resume = test_host_get_checkpoint (host);
  g_autoptr (GBytes) key = test_host_get (host, "import.pem");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (HerdAccount) account = NULL;
  HerdAccounts *accounts = HERD_ACCOUNTS (engine);
  HerdIssuerHost *issuer_host = HERD_ISSUER_HOST (host);

  if (g_str_equal (verb, "roll-key"))
    herd_accounts_roll_key_async (accounts, resume, issuer_host, NULL, test_on_result, &result);
  else if (g_str_equal (verb, "deactivate"))
    herd_accounts_deactivate_async (accounts, issuer_host, NULL, test_on_result, &result);
  else if (g_str_equal (verb, "import"))
    herd_accounts_import_async (accounts, key, issuer_host, NULL, test_on_result, &result);
  else
    herd_accounts_register_async (accounts, options, NULL, issuer_host, NULL, test_on_result,
                                  &result);
  test_wait (result != NULL);
  account = herd_accounts_register_finish (accounts, result, error);
  if (account != NULL)
    g_print ("%s\n", account->url);
  return account != NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (HerdAcmeEngine) engine = NULL;
  g_autoptr (TestHost) host = NULL;
  g_autoptr (TestSolver) solver = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *trust = NULL;
  g_autofree char *points = NULL;
  g_autofree char *log = NULL;
  Crash crash = { .seen = seen };
  HerdCrash hook = { .reached = on_point, .data = &crash };
  HerdAcmeOptions options = { .name = "ca", .version = "test", .clock = clock, .crash = &hook };
  gboolean done;

  herd_net_init ();
  if (argc < 6 || !g_file_get_contents (argv[4], &trust, NULL, NULL))
    return 2;
  points = g_build_filename (argv[2], "points", NULL);
  log = g_build_filename (argv[2], "solver.log", NULL);
  crash.list = fopen (points, "w");
  crash.at = argv[6];
  options.directory_url = argv[3];
  options.trust = trust;
  engine = herd_acme_engine_new (&options, &error);
  if (engine == NULL)
    return 2;
  host = test_host_new (argv[2]);
  solver = test_solver_new ("http-01", argv[5], log);
  test_host_add_solver (host, solver);
  done = g_str_equal (argv[1], "issue") ? issue (engine, host, &error)
                                        : change_account (argv[1], engine, host, &error);
  if (!done)
    g_printerr ("%s\n", error->message);
  fclose (crash.list);
  return done ? 0 : 1;
}
