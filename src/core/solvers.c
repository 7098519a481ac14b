// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loading the solvers, and finding those that fit.
 */
#include "core/solvers.h"

#include "core/solver-host.h"
#include "plugin/error.h"

struct HerdSolvers {
  HerdServices *services;
  HerdResponderLink *link;
  GPtrArray *states;  /* HerdPluginState */
  GPtrArray *solvers; /* HerdSolver, in order */
  GPtrArray *names;   /* of the same index */
  GPtrArray *hosts;
};

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

/* The section's plugin, at work with HOST; NULL: it cannot be. */
static HerdSolver *
make_solver (const char *directory, const char *plugin_name, HerdCoreSolverHost *host,
             const char **version, GError **error)
{
  const HerdPlugin *plugin = herd_plugin_load (directory, NULL, "solver", plugin_name, error);
  g_autoptr (HerdSolver) solver = NULL;

  if (plugin == NULL)
    return NULL;
  if (!g_type_is_a (plugin->get_type (), HERD_TYPE_SOLVER)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "plugin solver-%s is not a solver",
                 plugin_name);
    return NULL;
  }
  *version = plugin->version;
  solver = g_object_new (plugin->get_type (), "host", host, NULL);
  return herd_solver_check (solver, error) ? g_steal_pointer (&solver) : NULL;
}

static void
load (HerdSolvers *solvers, const char *directory, const char *name, GVariant *values)
{
  HerdPluginState *state = g_new0 (HerdPluginState, 1);
  g_autoptr (HerdCoreSolverHost) host = NULL;
  g_autoptr (GError) error = NULL;
  const char *plugin_name = name;
  HerdSolver *solver;

  state->kind = "solver";
  state->name = g_strdup (name);
  state->version = "";
  g_ptr_array_add (solvers->states, state);
  if (values != NULL)
    g_variant_lookup (values, "plugin", "&s", &plugin_name);
  host = herd_core_solver_host_new (name, values, solvers->link, solvers->services->dns,
                                    solvers->services->clock);
  solver = make_solver (directory, plugin_name, host, &state->version, &error);
  if (solver == NULL) {
    disable (solvers, state, error->message);
    return;
  }
  g_ptr_array_add (solvers->hosts, g_steal_pointer (&host));
  g_ptr_array_add (solvers->solvers, solver);
  g_ptr_array_add (solvers->names, state->name);
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

const char *
herd_solvers_get_name (HerdSolver *solver)
{
  g_autoptr (HerdSolverHost) host = NULL;

  g_object_get (solver, "host", &host, NULL);
  return herd_solver_host_get_name (host);
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
