// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * certherd-deliver in trouble: one of a batch is at fault, it is killed, the disk is full or is not to be
 * written to.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "deliver-fixture.h"

/* --- one of a batch --- */

/* Of each, what is in place; a line for each activation. */
static char *
make_picky_program (DeliverFixture *fixture, const char *condition)
{
  g_autofree char *script = g_strdup_printf (
      "cd %s && echo $(for i in a b c d e f g h i j; do readlink $i; done) >>%s/activations && %s",
      fixture->output, fixture->root, condition);

  return deliver_fixture_make_program (fixture, script);
}

static guint
count_activations (DeliverFixture *fixture)
{
  g_autofree char *text = deliver_fixture_read (fixture, "activations");
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);

  return g_strv_length (lines);
}

/* A reload is about all of them: the one that the server will not have is found, and the others stay. */
static void
test_guilty (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "a", 2, 1 }, { "b", 2, 1 }, { "c", 2, 1 },
                                                    { "d", 2, 1 }, { "e", 2, 1 }, { "f", 2, 1 },
                                                    { "g", 2, 1 }, { "h", 1, 0 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, G_N_ELEMENTS (certificates));
  g_autofree char *program = make_picky_program (fixture, "[ $(readlink f) != .f.2 ]");

  deliver_fixture_configure (fixture, "adapter = double\npath = %s\ncommand = %s", fixture->output,
                             program);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  deliver_assert_told (agent,
                       "acknowledge f 2 no the double's command would not; generation 1 is back in "
                       "place\n");
  for (guint i = 0; i < G_N_ELEMENTS (certificates); i++) {
    const DoubleCertificate *certificate = &certificates[i];
    g_autofree char *line = g_strdup_printf ("acknowledge %s %" G_GUINT64_FORMAT " yes \n",
                                             certificate->name, certificate->generation);
    g_autofree char *file = g_strdup_printf ("output/%s/privkey.pem", certificate->name);
    gboolean guilty = g_str_equal (certificate->name, "f");

    if (!guilty)
      deliver_assert_told (agent, line);
    deliver_fixture_assert_key (fixture, file, certificate->name,
                                guilty ? 1 : certificate->generation);
  }
  /* Twice all, once what was, a b c d, then e f, e, f, g h: no more than twice for each halving. */
  g_assert_cmpuint (count_activations (fixture), <=, 9);
}

/* One that was never there, and is at fault, is not left where it fails everything that follows. */
static void
test_guilty_new (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "a", 1, 0 }, { "b", 1, 0 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 2);
  g_autofree char *program = make_picky_program (fixture, "! [ -e a ]");
  g_autofree char *link = g_build_filename (fixture->output, "a", NULL);

  deliver_fixture_configure (fixture, "adapter = double\npath = %s\ncommand = %s", fixture->output,
                             program);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  deliver_assert_told (agent,
                       "acknowledge a 1 no the double's command would not; there is no earlier "
                       "generation to go back to; its files were taken away again\n");
  deliver_assert_told (agent, "acknowledge b 1 yes \n");
  g_assert_false (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  deliver_fixture_assert_key (fixture, "output/b/privkey.pem", "b", 1);
}

/* A server that takes nothing, not even what it had, is asked three times, however large the batch is. */
static void
test_all_rejected (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "a", 2, 1 }, { "b", 2, 1 }, { "c", 1, 0 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 3);
  g_autofree char *program = make_picky_program (fixture, "false");

  deliver_fixture_configure (fixture, "adapter = double\npath = %s\ncommand = %s", fixture->output,
                             program);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  deliver_assert_told (agent,
                       "acknowledge a 2 no the double's command would not; generation 1 is back");
  deliver_assert_told (agent,
                       "acknowledge b 2 no the double's command would not; generation 1 is back");
  deliver_assert_told (agent,
                       "acknowledge c 1 no the double's command would not; there is no earlier");
  deliver_fixture_assert_key (fixture, "output/a/privkey.pem", "a", 1);
  deliver_fixture_assert_key (fixture, "output/c/privkey.pem", "c", 1);
  g_assert_cmpuint (count_activations (fixture), ==, 3);
}

/* Each try is a restart: the server is up again at once, then a few are tried alone, and the rest later. */
static void
test_guilty_dear (DeliverFixture *fixture, gconstpointer data)
{
  DoubleCertificate certificates[] = { { "a", 2, 1 }, { "b", 2, 1 }, { "c", 2, 1 }, { "d", 2, 1 },
                                       { "e", 2, 1 }, { "f", 2, 1 }, { "g", 1, 0 }, { "h", 2, 1 },
                                       { "i", 2, 1 }, { "j", 1, 0 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, G_N_ELEMENTS (certificates));
  g_autofree char *program = make_picky_program (fixture,
                                                 "[ $(readlink b) != .b.2 ] && ! [ -e g ]");
  g_autofree char *link = g_build_filename (fixture->output, "g", NULL);
  g_autofree char *log = NULL;

  deliver_fixture_configure (fixture, "adapter = double\naction = restart\npath = %s\ncommand = %s",
                             fixture->output, program);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_PENDING);
  deliver_assert_told (agent, "acknowledge a 2 yes \n");
  deliver_assert_told (agent,
                       "acknowledge b 2 no the double's command would not; generation 1 is back in "
                       "place\n");
  deliver_assert_told (agent,
                       "acknowledge g 1 no the double's command would not; there is no earlier "
                       "generation to go back to; its files were taken away again\n");
  deliver_assert_told (agent, "acknowledge h 2 yes \n");
  deliver_assert_told (agent, "acknowledge i 2 no retry: together with others it was not taken");
  deliver_assert_told (agent, "acknowledge j 1 no retry: together with others it was not taken");
  g_assert_false (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  deliver_fixture_assert_key (fixture, "output/i/privkey.pem", "i", 1);
  /* All, what was, a to h, and what was again after b and g. */
  g_assert_cmpuint (count_activations (fixture), ==, 12);
  log = deliver_fixture_read (fixture, "activations");
  g_assert_true (g_str_has_suffix (log, ".a.2 .b.1 .c.2 .d.2 .e.2 .f.2 .h.2 .i.1\n"));
}

/* One alone that cannot be started: it is up with what it had after the second start. */
static void
test_dear_alone (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "a", 1, 0 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 1);
  g_autofree char *program = make_picky_program (fixture, "! [ -e a ]");
  g_autofree char *log = NULL;

  deliver_fixture_configure (fixture, "adapter = double\naction = restart\npath = %s\ncommand = %s",
                             fixture->output, program);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  deliver_assert_told (agent,
                       "acknowledge a 1 no the double's command would not; there is no earlier "
                       "generation to go back to; its files were taken away again\n");
  log = deliver_fixture_read (fixture, "activations");
  g_assert_cmpstr (log, ==, ".a.1\n\n");
}

/* A program that is run for each says itself which it will not have. */
static void
test_guilty_each (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "a", 2, 1 }, { "b", 2, 1 }, { "c", 2, 1 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 3);
  g_autofree char *program = deliver_fixture_make_program (
      fixture, "[ $CERTHERD_NAME$CERTHERD_GENERATION != b2 ]");
  g_autofree char *log = NULL;

  deliver_fixture_configure (fixture, "adapter = exec\ncommand = %s", program);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  log = deliver_fixture_read (fixture, "log");
  g_assert_cmpstr (log, ==, "a 2\nb 2\nb 2\nc 2\nb 1\n");
  deliver_assert_told (agent, "acknowledge a 2 yes \n");
  deliver_assert_told (agent, "acknowledge b 2 no target web: ");
  deliver_assert_told (agent, "acknowledge c 2 yes \n");
}

/* --- killed --- */

#define PASS "/deliver-trouble/subprocess/pass"

/* The kernel ends the process where it would switch the link, without a word to it. */
static void
die_at_the_switch (void)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_symlinkat, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { G_N_ELEMENTS (filter), filter };

  g_assert_cmpint (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
  g_assert_cmpint (prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

/* In a process of its own, for the fixture whose root the environment says. */
static void
pass_in_subprocess (void)
{
  const char *root = g_getenv ("TEST_ROOT");
  g_autofree char *config = NULL, *state = NULL, *plugins = NULL;

  if (root == NULL)
    return;
  config = g_build_filename (root, "config", NULL);
  state = g_build_filename (root, "state", NULL);
  plugins = g_build_filename (root, "plugins", NULL);
  if (g_getenv ("TEST_AT_THE_SWITCH") != NULL)
    die_at_the_switch ();
  herd_pass_run ("web", &(HerdTargetPlaces){ TRUE, config, state, plugins });
}

static void
run_killed (DeliverFixture *fixture, const DoubleCertificate *certificates, guint n)
{
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, n);

  agent_double_start (agent);
  g_setenv ("TEST_ROOT", fixture->root, TRUE);
  g_test_trap_subprocess (PASS, 0, 0);
  g_unsetenv ("TEST_ROOT");
  g_assert_false (g_test_trap_has_passed ());
  agent_double_stop (agent);
  deliver_assert_told (agent, "open www 2\n");
  g_assert_null (strstr (agent->told->str, "acknowledge"));
}

/* Staged, not switched: readers have the old generation whole, and the next pass goes on. */
static void
test_killed_before_the_switch (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate first[] = { { "www", 1 } };
  static const DoubleCertificate second[] = { { "www", 2, 1 } };
  g_autoptr (AgentDouble) agent = agent_double_new (first, 1);

  deliver_fixture_configure (fixture, "adapter = files\npath = %s", fixture->output);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  g_clear_pointer (&agent, agent_double_free);
  g_setenv ("TEST_AT_THE_SWITCH", "1", TRUE);
  run_killed (fixture, second, 1);
  g_unsetenv ("TEST_AT_THE_SWITCH");
  deliver_fixture_assert_key (fixture, "output/www/privkey.pem", "www", 1);
  deliver_fixture_assert_key (fixture, "output/.www.2/privkey.pem", "www", 2);
  agent = agent_double_new (second, 1);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  deliver_assert_told (agent, "acknowledge www 2 yes \n");
  deliver_fixture_assert_key (fixture, "output/www/privkey.pem", "www", 2);
}

/* Switched, not activated: the next pass activates what is in place. */
static void
test_killed_before_the_activation (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 2, 1 } };
  g_autoptr (AgentDouble) agent = NULL;
  g_autofree char *script = g_strdup_printf (
      "[ -e %s/killed ] || { touch %s/killed; kill -9 $PPID; }", fixture->root, fixture->root);
  g_autofree char *program = deliver_fixture_make_program (fixture, script);
  g_autofree char *log = NULL;

  deliver_fixture_configure (fixture, "adapter = exec\npath = %s\ncommand = %s", fixture->output,
                             program);
  run_killed (fixture, certificates, 1);
  deliver_fixture_assert_key (fixture, "output/www/privkey.pem", "www", 2);
  agent = agent_double_new (certificates, 1);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  deliver_assert_told (agent, "acknowledge www 2 yes \n");
  log = deliver_fixture_read (fixture, "log");
  g_assert_cmpstr (log, ==, "www 2\nwww 2\n");
}

/* --- a place that cannot be used --- */

static void
test_bad_places (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 1 } };
  static const struct {
    const char *keys, *words;
    int status;
  } bad[] = {
    { "path = /proc", "acknowledge www 1 no ", HERD_PASS_DONE },
    { "path = /nonexistent/place", "create the directory, or correct the path that is set",
      HERD_PASS_DONE },
    { "path = /tmp\nowner = nobody-of-this-name", "nobody-of-this-name", HERD_PASS_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (AgentDouble) agent = agent_double_new (certificates, 1);

    deliver_fixture_configure (fixture, "adapter = files\n%s", bad[i].keys);
    deliver_fixture_run (fixture, agent, "web", bad[i].status);
    deliver_assert_told (agent, "acknowledge www 1 no ");
    deliver_assert_told (agent, bad[i].words);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/deliver-trouble/" name, DeliverFixture, NULL, deliver_fixture_set_up, function,    \
              deliver_fixture_tear_down)
  ADD ("guilty", test_guilty);
  ADD ("guilty-new", test_guilty_new);
  ADD ("guilty-dear", test_guilty_dear);
  ADD ("dear-alone", test_dear_alone);
  ADD ("all-rejected", test_all_rejected);
  ADD ("guilty-each", test_guilty_each);
  g_test_add_func (PASS, pass_in_subprocess);
  ADD ("killed-before-the-switch", test_killed_before_the_switch);
  ADD ("killed-before-the-activation", test_killed_before_the_activation);
  ADD ("bad-places", test_bad_places);
  return g_test_run ();
}
