/* The program's commands. Each takes its own words, argv[0] being its name,
 * and returns the exit status. */
#ifndef SRC_COMMANDS_H
#define SRC_COMMANDS_H

int bench_main(int argc, char **argv);
int key_main(int argc, char **argv);
int log_command_main(int argc, char **argv);
int pub_main(int argc, char **argv);
int serve_main(int argc, char **argv);
int status_cluster_main(int argc, char **argv);
int status_main(int argc, char **argv);
int sub_main(int argc, char **argv);

#endif
