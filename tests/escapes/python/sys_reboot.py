# expect: sandbox_violation
# forbidden: the end of the machine
if SYS(169, 0xfee1dead, 672274793, 0, 0) == 0: PW("reboot")
