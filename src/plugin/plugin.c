// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The loader of plugins: used by the agent for solvers and issuers, by certherd-deliver for
 * adapters.
 */
#include "plugin/plugin.h"

#include <sys/stat.h>
#include <unistd.h>

#include "plugin/error.h"

/* A name comes from a configuration file; it must not lead out of the directory. */
static gboolean
name_is_plain (const char *name)
{
  for (const char *c = name; *c != '\0'; c++) {
    if (!g_ascii_islower (*c) && !g_ascii_isdigit (*c) && *c != '-')
      return FALSE;
  }
  return *name != '\0';
}

/* Whoever can write a module's file or folder runs code in this process. */
static gboolean
check_owner (const char *path, GError **error)
{
  struct stat status;

  if (stat (path, &status) < 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND, "plugin file %s: %s; is it installed?",
                 path, g_strerror (errno));
    return FALSE;
  }
  if ((status.st_uid != 0 && status.st_uid != geteuid ()) || (status.st_mode & S_IWOTH) != 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "plugin path %s can be written by others (owner %u, mode %04o); "
                 "make it belong to root",
                 path, (guint) status.st_uid, (guint) status.st_mode & 07777);
    return FALSE;
  }
  return TRUE;
}

static const HerdPlugin *
check_descriptor (const HerdPlugin *plugin, const char *where, const char *kind, const char *name,
                  GError **error)
{
  if (plugin->abi != HERD_PLUGIN_ABI) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "plugin %s was built for ABI %u, this is ABI %u; install the matching version",
                 where, plugin->abi, (guint) HERD_PLUGIN_ABI);
    return NULL;
  }
  if (!g_str_equal (plugin->kind, kind) || !g_str_equal (plugin->name, name)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "plugin %s says that it is %s-%s", where,
                 plugin->kind, plugin->name);
    return NULL;
  }
  return plugin;
}

const HerdPlugin *
herd_plugin_load (const char *directory, const HerdPlugin *const *builtin, const char *kind,
                  const char *name, GError **error)
{
  g_autofree char *file = NULL;
  g_autofree char *path = NULL;
  GModule *module;
  gpointer symbol;

  for (; builtin != NULL && *builtin != NULL; builtin++) {
    if (g_str_equal ((*builtin)->kind, kind) && g_str_equal ((*builtin)->name, name))
      return *builtin;
  }
  if (!name_is_plain (name)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "“%s” is not a %s's name", name,
                 kind);
    return NULL;
  }
  file = g_strdup_printf ("%s-%s.so", kind, name);
  path = g_build_filename (directory, file, NULL);
  if (!check_owner (directory, error) || !check_owner (path, error))
    return NULL;
  module = g_module_open (path, G_MODULE_BIND_LOCAL);
  if (module == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "plugin %s cannot be loaded: %s", path,
                 g_module_error ());
    return NULL;
  }
  /* GTypes cannot be unloaded; neither can what registered them. */
  g_module_make_resident (module);
  if (!g_module_symbol (module, HERD_PLUGIN_SYMBOL, &symbol) || symbol == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "plugin %s exports no %s", path,
                 HERD_PLUGIN_SYMBOL);
    return NULL;
  }
  return check_descriptor (symbol, path, kind, name, error);
}
