/* expect: compile_error,wrong_answer */
/* forbidden: the assembler puts the machine's files into the program */
__asm__(".incbin \"/etc/passwd\"");
int main(void)
{
    PW("incbin");
}
