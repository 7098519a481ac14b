// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What launchers have in common, and deliveries as children of the agent.
 */
#include "core/launcher-private.h"

#include "plugin/error.h"

typedef struct {
  HerdLauncher launcher;
  char *program;
  char **arguments;
} Children;

/* What certherd-deliver says when something stays pending (EX_TEMPFAIL of sysexits.h). */
#define EXIT_PENDING 75

void
herd_launcher_free (HerdLauncher *launcher)
{
  if (launcher != NULL)
    launcher->free (launcher);
}

gboolean
herd_launcher_has_children (const HerdLauncher *launcher)
{
  return launcher->children;
}

void
herd_launcher_run_async (HerdLauncher *launcher, const char *target, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);

  launcher->run (launcher, target, task);
}

gboolean
herd_launcher_run_finish (HerdLauncher *launcher G_GNUC_UNUSED, GAsyncResult *result,
                          GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- children --- */

static void
child_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GSubprocess *child = G_SUBPROCESS (source);
  const char *target = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_subprocess_wait_finish (child, result, &error)) {
    g_task_return_error (task, error);
  } else if (g_subprocess_get_if_signaled (child)) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_FAILED,
                             "certherd-deliver %s was ended by signal %d", target,
                             g_subprocess_get_term_sig (child));
  } else if (g_subprocess_get_exit_status (child) != 0
             && g_subprocess_get_exit_status (child) != EXIT_PENDING) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_FAILED,
                             "certherd-deliver %s ended with status %d; see its messages", target,
                             g_subprocess_get_exit_status (child));
  } else {
    g_task_return_boolean (task, TRUE);
  }
}

static void
run_child (HerdLauncher *launcher, const char *target, GTask *task)
{
  Children *children = (Children *) launcher;
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autoptr (GSubprocess) child = NULL;
  GError *error = NULL;

  g_task_set_task_data (task, g_strdup (target), g_free);
  g_ptr_array_add (arguments, children->program);
  for (char **argument = children->arguments; *argument != NULL; argument++)
    g_ptr_array_add (arguments, *argument);
  g_ptr_array_add (arguments, (char *) target);
  g_ptr_array_add (arguments, NULL);
  child = g_subprocess_newv ((const char *const *) arguments->pdata, G_SUBPROCESS_FLAGS_NONE,
                             &error);
  if (child == NULL) {
    herd_error_translate (&error, HERD_ERROR_UNREACHABLE, "%s cannot be started",
                          children->program);
    g_task_return_error (task, error);
    return;
  }
  g_subprocess_wait_async (child, g_task_get_cancellable (task), child_ended, g_object_ref (task));
}

static void
free_children (HerdLauncher *launcher)
{
  Children *children = (Children *) launcher;

  g_free (children->program);
  g_strfreev (children->arguments);
  g_free (children);
}

HerdLauncher *
herd_launcher_new_children (const char *program, const char *const *arguments)
{
  Children *children = g_new0 (Children, 1);

  children->launcher.children = TRUE;
  children->launcher.run = run_child;
  children->launcher.free = free_children;
  children->program = g_strdup (program);
  children->arguments = g_strdupv ((char **) arguments);
  return &children->launcher;
}
