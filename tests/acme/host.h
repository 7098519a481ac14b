// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the engine gets in these tests instead of the core: a host that keeps records and the
 * checkpoint as files, so that another process can go on, and a solver that tells
 * pebble-challtestsrv what to answer. Main loop only.
 */
#pragma once

#include "crypto/key.h"
#include "plugin/issuer.h"

G_BEGIN_DECLS

#define TEST_TYPE_HOST (test_host_get_type ())
G_DECLARE_FINAL_TYPE (TestHost, test_host, TEST, HOST, GObject)

/* Keeps everything in DIRECTORY. */
TestHost *test_host_new (const char *directory);
/* SOLVER for every identifier; called "first", "second", "third" in their order. */
void test_host_add_solver (TestHost *host, gpointer solver);
/* The last checkpoint, or NULL. */
GBytes *test_host_get_checkpoint (TestHost *host);
void test_host_forget_checkpoint (TestHost *host);
/* How many checkpoints and records were written. */
guint test_host_get_commits (TestHost *host);
/* What was spent, comma between: "account", "order", "replacement", "failure IDENTIFIER"; and "kept" for the
 * first checkpoint or record after any of them. */
char *test_host_get_spendings (TestHost *host);
/* The steps of which it was told, comma between. */
char *test_host_get_steps (TestHost *host);
/* Puts, gets a record synchronously; NULL deletes, or is missing. */
void test_host_put (TestHost *host, const char *name, GBytes *bytes);
GBytes *test_host_get (TestHost *host, const char *name);
/* From now on sealed records are locked. */
void test_host_lock (TestHost *host);
/* The next checkpoint fails. */
void test_host_fail_checkpoint (TestHost *host);

#define TEST_TYPE_SOLVER (test_solver_get_type ())
G_DECLARE_FINAL_TYPE (TestSolver, test_solver, TEST, SOLVER, GObject)

/* For challenges of TYPE ("http-01", "tls-alpn-01", "dns-01"). CHALLTESTSRV is its management URL (not
 * for dns-01), or NULL: nothing is made visible. Every call is noted in the file LOG, "present TOKEN" or "cleanup TOKEN". */
TestSolver *test_solver_new (const char *type, const char *challtestsrv, const char *log);
/* How many calls of present() and cleanup() there were. */
guint test_solver_get_presents (TestSolver *solver);
guint test_solver_get_cleanups (TestSolver *solver);
/* Challenges that the last present() had. */
guint test_solver_get_batch (TestSolver *solver);
/* It tells of validators from now on: each challenge of the last present() is seen at each see(). */
void test_solver_promise (TestSolver *solver);
void test_solver_see (TestSolver *solver);
/* From now on present() fails. */
void test_solver_fail (TestSolver *solver);

/* Runs the main loop until CONDITION. */
#define test_wait(condition)                                                                       \
  while (!(condition))                                                                             \
  g_main_context_iteration (NULL, TRUE)

/* For calls that are waited for: the user data of test_on_result is a GAsyncResult *. */
void test_on_result (GObject *source, GAsyncResult *result, gpointer data);

/* A request for IDENTIFIERS with a new key, or with KEY. */
HerdIssueRequest *test_request_new (const char *const *identifiers, HerdKey *key);
HerdKey *test_key_new (const char *type);

G_END_DECLS
