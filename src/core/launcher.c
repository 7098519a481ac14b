// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Deliveries as children of the agent.
 */
#include "core/launcher.h"

#include "plugin/error.h"

struct HerdLauncher {
  char *program;
  char **arguments;
};

/* What certherd-deliver says when something stays pending (EX_TEMPFAIL of sysexits.h). */
#define EXIT_PENDING 75

HerdLauncher *
herd_launcher_new_children (const char *program, const char *const *arguments)
{
  HerdLauncher *launcher = g_new0 (HerdLauncher, 1);

  launcher->program = g_strdup (program);
  launcher->arguments = g_strdupv ((char **) arguments);
  return launcher;
}

void
herd_launcher_free (HerdLauncher *launcher)
{
  if (launcher == NULL)
    return;
  g_free (launcher->program);
  g_strfreev (launcher->arguments);
  g_free (launcher);
}

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

void
herd_launcher_run_async (HerdLauncher *launcher, const char *target, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autoptr (GSubprocess) child = NULL;
  GError *error = NULL;

  g_task_set_task_data (task, g_strdup (target), g_free);
  g_ptr_array_add (arguments, launcher->program);
  for (char **argument = launcher->arguments; *argument != NULL; argument++)
    g_ptr_array_add (arguments, *argument);
  g_ptr_array_add (arguments, (char *) target);
  g_ptr_array_add (arguments, NULL);
  child = g_subprocess_newv ((const char *const *) arguments->pdata, G_SUBPROCESS_FLAGS_NONE,
                             &error);
  if (child == NULL) {
    herd_error_translate (&error, HERD_ERROR_UNREACHABLE, "%s cannot be started",
                          launcher->program);
    g_task_return_error (task, error);
    return;
  }
  g_subprocess_wait_async (child, cancellable, child_ended, g_steal_pointer (&task));
}

gboolean
herd_launcher_run_finish (HerdLauncher *launcher G_GNUC_UNUSED, GAsyncResult *result,
                          GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
