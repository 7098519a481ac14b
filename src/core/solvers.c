// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The solvers and their hosts.
 */
#include "core/solvers.h"

#include "plugin/error.h"

struct HerdSolvers {
  HerdServices *services;
  HerdResponderLink *link;
  GPtrArray *states;  /* HerdPluginState */
  GPtrArray *solvers; /* HerdSolver, in order */
  GPtrArray *names;   /* of the same index */
  GPtrArray *hosts;
};

/* --- the host --- */

#define HERD_TYPE_CORE_SOLVER_HOST (herd_core_solver_host_get_type ())
G_DECLARE_FINAL_TYPE (HerdCoreSolverHost, herd_core_solver_host, HERD, CORE_SOLVER_HOST, GObject)

struct _HerdCoreSolverHost {
  GObject parent;
  HerdResponderLink *link; /* outlives us; may be NULL */
  GVariant *settings;      /* a{sv} of the section; may be NULL */
};

static void solver_host_iface_init (HerdSolverHostInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdCoreSolverHost, herd_core_solver_host, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER_HOST,
                                                      solver_host_iface_init))

static void
return_no_responder (HerdSolverHost *host, GAsyncReadyCallback callback, gpointer data)
{
  g_task_report_new_error (host, callback, data, NULL, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                           "no responder is set up; set [solver http-01] listen, or enable "
                           "certherd-responder.socket");
}

static void
host_answer_async (HerdSolverHost *host, GPtrArray *challenges, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer data)
{
  HerdResponderLink *link = HERD_CORE_SOLVER_HOST (host)->link;

  if (link != NULL)
    herd_responder_link_answer_async (link, challenges, cancellable, callback, data);
  else
    return_no_responder (host, callback, data);
}

static gboolean
host_answer_finish (HerdSolverHost *host, GAsyncResult *result, GError **error)
{
  HerdResponderLink *link = HERD_CORE_SOLVER_HOST (host)->link;

  return link != NULL ? herd_responder_link_answer_finish (link, result, error)
                      : g_task_propagate_boolean (G_TASK (result), error);
}

static void
host_withdraw_async (HerdSolverHost *host, GPtrArray *challenges, GAsyncReadyCallback callback,
                     gpointer data)
{
  HerdResponderLink *link = HERD_CORE_SOLVER_HOST (host)->link;

  if (link != NULL)
    herd_responder_link_withdraw_async (link, challenges, callback, data);
  else
    return_no_responder (host, callback, data);
}

static gboolean
host_withdraw_finish (HerdSolverHost *host, GAsyncResult *result, GError **error)
{
  HerdResponderLink *link = HERD_CORE_SOLVER_HOST (host)->link;

  return link != NULL ? herd_responder_link_withdraw_finish (link, result, error)
                      : g_task_propagate_boolean (G_TASK (result), error);
}

static const char *
host_get_setting (HerdSolverHost *host, const char *key)
{
  GVariant *settings = HERD_CORE_SOLVER_HOST (host)->settings;
  const char *value = NULL;

  if (settings != NULL)
    g_variant_lookup (settings, key, "&s", &value);
  return value;
}

static void
solver_host_iface_init (HerdSolverHostInterface *iface)
{
  iface->answer_async = host_answer_async;
  iface->answer_finish = host_answer_finish;
  iface->withdraw_async = host_withdraw_async;
  iface->withdraw_finish = host_withdraw_finish;
  iface->get_setting = host_get_setting;
}

static void
herd_core_solver_host_finalize (GObject *object)
{
  g_clear_pointer (&HERD_CORE_SOLVER_HOST (object)->settings, g_variant_unref);
  G_OBJECT_CLASS (herd_core_solver_host_parent_class)->finalize (object);
}

static void
herd_core_solver_host_class_init (HerdCoreSolverHostClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = herd_core_solver_host_finalize;
}

static void
herd_core_solver_host_init (HerdCoreSolverHost *self G_GNUC_UNUSED)
{}

/* --- loading --- */

static void
plugin_state_free (HerdPluginState *state)
{
  g_free (state->name);
  g_free (state->message);
  g_free (state);
}

static void
disable (HerdSolvers *solvers, HerdPluginState *state, const char *message)
{
  state->message = g_strdup (message);
  g_warning ("solver %s is disabled: %s", state->name, message);
  herd_attentions_raise (solvers->services->attentions, HERD_NOUN_AGENT, 0, "warning",
                         "plugin-disabled", message);
}

static void
load (HerdSolvers *solvers, const char *directory, const char *name, GVariant *settings)
{
  HerdPluginState *state = g_new0 (HerdPluginState, 1);
  g_autoptr (GError) error = NULL;
  const HerdPlugin *plugin;
  HerdCoreSolverHost *host;

  state->kind = "solver";
  state->name = g_strdup (name);
  state->version = "";
  state->message = NULL;
  g_ptr_array_add (solvers->states, state);
  plugin = herd_plugin_load (directory, NULL, "solver", name, &error);
  if (plugin == NULL) {
    disable (solvers, state, error->message);
    return;
  }
  host = g_object_new (HERD_TYPE_CORE_SOLVER_HOST, NULL);
  host->link = solvers->link;
  host->settings = settings != NULL ? g_variant_ref (settings) : NULL;
  g_ptr_array_add (solvers->hosts, host);
  g_ptr_array_add (solvers->solvers, g_object_new (plugin->get_type (), "host", host, NULL));
  g_ptr_array_add (solvers->names, state->name);
  state->version = plugin->version;
  state->loaded = TRUE;
  state->message = g_strdup ("");
}

HerdSolvers *
herd_solvers_new (HerdServices *services, const char *directory, HerdResponderLink *link)
{
  HerdSolvers *solvers = g_new0 (HerdSolvers, 1);
  GPtrArray *entries = herd_config_get_entries (services->config, HERD_SECTION_SOLVER);

  solvers->services = services;
  solvers->link = link;
  solvers->states = g_ptr_array_new_with_free_func ((GDestroyNotify) plugin_state_free);
  solvers->solvers = g_ptr_array_new_with_free_func (g_object_unref);
  solvers->names = g_ptr_array_new ();
  solvers->hosts = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < entries->len; i++) {
    const HerdConfigEntry *entry = g_ptr_array_index (entries, i);

    load (solvers, directory, entry->name, entry->values);
  }
  if (herd_config_find (services->config, HERD_SECTION_SOLVER, "http-01") == NULL)
    load (solvers, directory, "http-01", NULL);
  return solvers;
}

void
herd_solvers_free (HerdSolvers *solvers)
{
  if (solvers == NULL)
    return;
  g_ptr_array_unref (solvers->solvers);
  g_ptr_array_unref (solvers->names);
  g_ptr_array_unref (solvers->hosts);
  g_ptr_array_unref (solvers->states);
  g_free (solvers);
}

static void
add_if_able (GPtrArray *found, HerdSolver *solver, const char *identifier)
{
  if (herd_solver_get_challenge_types (solver, identifier)[0] != NULL)
    g_ptr_array_add (found, solver);
}

static gint
find_name (HerdSolvers *solvers, const char *name)
{
  for (guint i = 0; i < solvers->names->len; i++) {
    if (g_str_equal (g_ptr_array_index (solvers->names, i), name))
      return (gint) i;
  }
  return -1;
}

GPtrArray *
herd_solvers_find (HerdSolvers *solvers, const char *identifier, const char *const *names)
{
  GPtrArray *found = g_ptr_array_new ();

  if (names == NULL || *names == NULL) {
    for (guint i = 0; i < solvers->solvers->len; i++)
      add_if_able (found, g_ptr_array_index (solvers->solvers, i), identifier);
    return found;
  }
  for (; *names != NULL; names++) {
    gint index = find_name (solvers, *names);

    if (index >= 0)
      add_if_able (found, g_ptr_array_index (solvers->solvers, index), identifier);
  }
  return found;
}

gboolean
herd_solvers_has (HerdSolvers *solvers, const char *name)
{
  return find_name (solvers, name) >= 0;
}

GPtrArray *
herd_solvers_list (HerdSolvers *solvers)
{
  return solvers->states;
}
