// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the tests of certherd-deliver share.
 */
#include "deliver-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
make_directory (DeliverFixture *fixture, const char *name)
{
  char *path = g_build_filename (fixture->root, name, NULL);

  g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
  return path;
}

void
deliver_fixture_set_up (DeliverFixture *fixture, gconstpointer data)
{
  static const char *const modules[][2] = { { "../../plugins/adapter-files", "adapter-files.so" },
                                            { "../../plugins/adapter-exec", "adapter-exec.so" },
                                            { ".", "adapter-double.so" } };
  g_autofree char *targets = NULL;

  fixture->root = g_dir_make_tmp ("certherd-deliver-XXXXXX", NULL);
  fixture->config = make_directory (fixture, "config");
  fixture->state = make_directory (fixture, "state");
  fixture->plugins = make_directory (fixture, "plugins");
  fixture->output = make_directory (fixture, "output");
  targets = make_directory (fixture, "config/targets.d");
  for (guint i = 0; i < G_N_ELEMENTS (modules); i++) {
    g_autofree char *module = g_test_build_filename (G_TEST_BUILT, modules[i][0], modules[i][1],
                                                     NULL);
    g_autofree char *link = g_build_filename (fixture->plugins, modules[i][1], NULL);

    g_assert_cmpint (symlink (module, link), ==, 0);
  }
  fixture->places = (HerdTargetPlaces){ TRUE, fixture->config, fixture->state, fixture->plugins };
}

void
deliver_fixture_tear_down (DeliverFixture *fixture, gconstpointer data)
{
  const char *const argv[] = { "rm", "-rf", fixture->root, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
  g_free (fixture->root);
  g_free (fixture->config);
  g_free (fixture->state);
  g_free (fixture->plugins);
  g_free (fixture->output);
}

/* Writes the section [target web]. */
void
deliver_fixture_configure (DeliverFixture *fixture, const char *format, ...)
{
  g_autofree char *path = g_build_filename (fixture->config, "targets.d/web.conf", NULL);
  g_autofree char *keys = NULL;
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  keys = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  text = g_strdup_printf ("[target web]\n%s\n", keys);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* A program that writes down what it is run for, and then does SCRIPT. */
char *
deliver_fixture_make_program (DeliverFixture *fixture, const char *script)
{
  char *path = g_build_filename (fixture->root, "program", NULL);
  g_autofree char *text = g_strdup_printf (
      "#!/bin/sh\necho $CERTHERD_NAME $CERTHERD_GENERATION >>%s/log\n%s\n", fixture->root, script);

  g_assert_true (
      g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0755, NULL));
  return path;
}

char *
deliver_fixture_read (DeliverFixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->root, name, NULL);
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : NULL;
}

/* What is said on standard error is for people; tests are about what the agent is told. */
void
deliver_fixture_run (DeliverFixture *fixture, AgentDouble *agent, const char *target, int status)
{
  int before = dup (2);

  g_assert_nonnull (freopen ("/dev/null", "w", stderr));
  if (agent->thread == NULL)
    agent_double_start (agent);
  status -= herd_pass_run (target, &fixture->places);
  agent_double_stop (agent);
  fflush (stderr);
  dup2 (before, 2);
  close (before);
  g_assert_cmpint (status, ==, 0);
}

void
deliver_assert_told (AgentDouble *agent, const char *line)
{
  if (strstr (agent->told->str, line) == NULL)
    g_error ("“%s” is not in:\n%s", line, agent->told->str);
}

void
deliver_fixture_assert_key (DeliverFixture *fixture, const char *file, const char *name,
                            guint64 generation)
{
  g_autofree char *text = deliver_fixture_read (fixture, file);

  g_assert_nonnull (text);
  g_assert_cmpstr (text, ==, agent_double_get_key (name, generation));
}
