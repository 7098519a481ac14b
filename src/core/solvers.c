// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loading the solvers, and finding those that fit.
 */
#include "core/solvers.h"

#include "core/solver-host.h"
#include "plugin/error.h"

/* One section, or what needs none. */
typedef struct {
  HerdPluginState state; /* the first member: herd_solvers_list() */
  GVariant *values;      /* of the section; NULL: there is none */
  HerdSolver *solver;    /* NULL: disabled */
} Entry;

struct HerdSolvers {
  HerdServices *services;
  HerdResponderLink *link;
  char *directory;
  GPtrArray *entries; /* of Entry, in the order of the configuration */
};

static void
entry_free (Entry *entry)
{
  g_free (entry->state.name);
  g_free (entry->state.message);
  g_clear_pointer (&entry->values, g_variant_unref);
  g_clear_object (&entry->solver);
  g_free (entry);
}

static void
disable (HerdSolvers *solvers, Entry *entry, const char *message)
{
  entry->state.message = g_strdup (message);
  g_warning ("solver %s is disabled: %s", entry->state.name, message);
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
  /* The host outlives it, also where an order holds it longer than we do. */
  g_object_set_data_full (G_OBJECT (solver), "herd-host", g_object_ref (host), g_object_unref);
  return herd_solver_check (solver, error) ? g_steal_pointer (&solver) : NULL;
}

static Entry *
load (HerdSolvers *solvers, const char *name, GVariant *values)
{
  Entry *entry = g_new0 (Entry, 1);
  g_autoptr (HerdCoreSolverHost) host = NULL;
  g_autoptr (GError) error = NULL;
  const char *plugin_name = name;

  entry->state.kind = "solver";
  entry->state.name = g_strdup (name);
  entry->state.version = "";
  entry->values = values != NULL ? g_variant_ref (values) : NULL;
  if (values != NULL)
    g_variant_lookup (values, "plugin", "&s", &plugin_name);
  host = herd_core_solver_host_new (name, values, solvers->link, solvers->services->dns,
                                    solvers->services->clock);
  entry->solver = make_solver (solvers->directory, plugin_name, host, &entry->state.version,
                               &error);
  entry->state.loaded = entry->solver != NULL;
  if (entry->solver != NULL)
    entry->state.message = g_strdup ("");
  else
    disable (solvers, entry, error->message);
  return entry;
}

static int
find_entry (GPtrArray *entries, const char *name)
{
  for (guint i = 0; i < entries->len; i++) {
    if (g_str_equal (((Entry *) entries->pdata[i])->state.name, name))
      return (int) i;
  }
  return -1;
}

/* Is ENTRY what VALUES make? What was disabled may be good by now: its files, say. */
static gboolean
is_current (const Entry *entry, GVariant *values)
{
  if (entry->solver == NULL || (entry->values == NULL) != (values == NULL))
    return FALSE;
  return values == NULL || g_variant_equal (entry->values, values);
}

/* The entry for NAME with VALUES: out of BEFORE, or a new one. */
static void
add_entry (HerdSolvers *solvers, GPtrArray *before, const char *name, GVariant *values)
{
  int index = find_entry (before, name);
  Entry *entry = index >= 0 ? g_ptr_array_steal_index (before, (guint) index) : NULL;

  if (entry == NULL || !is_current (entry, values)) {
    g_clear_pointer (&entry, entry_free);
    entry = load (solvers, name, values);
  }
  g_ptr_array_add (solvers->entries, entry);
}

void
herd_solvers_configure (HerdSolvers *solvers, gboolean complete)
{
  HerdConfig *config = solvers->services->config;
  GPtrArray *sections = herd_config_get_entries (config, HERD_SECTION_SOLVER);
  g_autoptr (GPtrArray) before = g_steal_pointer (&solvers->entries);

  solvers->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) entry_free);
  herd_attentions_clear (solvers->services->attentions, HERD_NOUN_AGENT, 0, "plugin-disabled");
  for (guint i = 0; i < sections->len; i++) {
    const HerdConfigEntry *section = g_ptr_array_index (sections, i);

    add_entry (solvers, before, section->name, section->values);
  }
  if (!complete) {
    while (before->len > 0)
      g_ptr_array_add (solvers->entries, g_ptr_array_steal_index (before, 0));
  }
  if (find_entry (solvers->entries, "http-01") < 0)
    add_entry (solvers, before, "http-01", NULL);
}

HerdSolvers *
herd_solvers_new (HerdServices *services, const char *directory, HerdResponderLink *link)
{
  HerdSolvers *solvers = g_new0 (HerdSolvers, 1);

  solvers->services = services;
  solvers->link = link;
  solvers->directory = g_strdup (directory);
  solvers->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) entry_free);
  herd_solvers_configure (solvers, TRUE);
  return solvers;
}

void
herd_solvers_free (HerdSolvers *solvers)
{
  if (solvers == NULL)
    return;
  g_ptr_array_unref (solvers->entries);
  g_free (solvers->directory);
  g_free (solvers);
}

static void
add_if_able (GPtrArray *found, const Entry *entry, const char *identifier)
{
  if (entry->solver != NULL
      && herd_solver_get_challenge_types (entry->solver, identifier)[0] != NULL)
    g_ptr_array_add (found, entry->solver);
}

GPtrArray *
herd_solvers_find (HerdSolvers *solvers, const char *identifier, const char *const *names)
{
  GPtrArray *found = g_ptr_array_new ();

  if (names == NULL || *names == NULL) {
    for (guint i = 0; i < solvers->entries->len; i++)
      add_if_able (found, g_ptr_array_index (solvers->entries, i), identifier);
    return found;
  }
  for (; *names != NULL; names++) {
    int index = find_entry (solvers->entries, *names);

    if (index >= 0)
      add_if_able (found, g_ptr_array_index (solvers->entries, index), identifier);
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
  int index = find_entry (solvers->entries, name);

  return index >= 0 && ((Entry *) solvers->entries->pdata[index])->solver != NULL;
}

GPtrArray *
herd_solvers_list (HerdSolvers *solvers)
{
  return solvers->entries;
}
