// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Real servers for a test, kept by a program of tests/lib that prints KEY=VALUE lines and an empty one,
 * and ends with its standard input: with the test, however that ends.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct TestRig TestRig;

/* Runs PROGRAM run DIRECTORY OPTIONS… (space between, or NULL), in a directory of its own, and waits
 * until its servers answer. */
TestRig *test_rig_new (const char *program, const char *options);
void test_rig_free (TestRig *rig);
/* Gives PROGRAM a line of input. */
void test_rig_tell (TestRig *rig, const char *line);
/* What it printed, by key; never NULL. */
const char *test_rig_get (TestRig *rig, const char *key);

/* Removes DIRECTORY with the files in it. */
void test_remove_directory (const char *directory);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestRig, test_rig_free)

G_END_DECLS
